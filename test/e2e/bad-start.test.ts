import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { problemOf, RunFolder } from "./run-folder";

jest.setTimeout(120_000);

const GOOD = `
[[regions]]
name = "one"
[[regions]]
name = "two"
[experiences.pocket]
command = "node"
max_players = 2
scaling = { min_servers = 0 }
`;

describe("forge up that cannot start says why, and leaves nothing", () => {
  let folder: RunFolder;
  afterEach(() => folder.remove());

  async function up(...args: string[]): Promise<ReturnType<typeof problemOf>> {
    const end = await folder.forge(["--json", "up", "--no-demo", ...args]);
    expect(end.stdout).toBe("");
    expect(folder.processes()).toEqual([]);
    expect(folder.runId).toBeUndefined();
    const problem = problemOf(end);
    expect(problem.exitCode).toBe(end.code);
    return problem;
  }

  describe("a port is taken", () => {
    let other: Server;
    let port: number;
    beforeEach(async () => {
      other = createServer().listen(0, "127.0.0.1");
      await once(other, "listening");
      ({ port } = other.address() as AddressInfo);
      folder = new RunFolder(GOOD);
    });
    afterEach(() => other.close());

    test.each([[[]], [["--processes"]]])("the first region's %p", async (args) => {
      const { exitCode, detail, fix } = await up("--port", `${port}`, ...args);
      expect(exitCode).toBe(1);
      expect(detail).toContain(`${port}`);
      expect(`${detail} ${fix}`).toContain("--port");
      // Whoever has the port keeps it.
      expect(other.listening).toBe(true);
    });

    test("the second region's", async () => {
      const { exitCode, detail } = await up("--port", `${port - 1}`);
      expect(exitCode).toBe(1);
      expect(detail).toMatch(new RegExp(`\\b(${port}|${port - 1})\\b`));
    });
  });

  test("there is no forge.toml", async () => {
    folder = new RunFolder(GOOD);
    const problem = await up("--config", `${folder.path}/other.toml`);
    expect(problem).toMatchObject({ exitCode: 2, detail: expect.stringContaining("other.toml") });
  });

  test("forge.toml is broken: all that is wrong at once, with place and fix", async () => {
    folder = new RunFolder(`${GOOD}\ncolour = "red"\n[health]\ntimeout_secs = "soon"\n`);
    const problem = await up("--port", "0");
    expect(problem).toMatchObject({ code: "configInvalid", exitCode: 2 });
    const said = JSON.stringify(problem);
    for (const word of ["colour", "timeout_secs", "soon"]) expect(said).toContain(word);
  });

  test("a region is to be on a cluster", async () => {
    folder = new RunFolder(GOOD.replace('name = "two"', 'name = "two"\nengine = "nomad"'));
    const problem = await up("--port", "0");
    expect(problem).toMatchObject({ code: "usage", exitCode: 2, detail: expect.stringContaining("two") });
    expect(problem.fix).toContain("--engine embedded");
  });

  test("a flag that there is not, and one with a wrong value", async () => {
    folder = new RunFolder(GOOD);
    expect(await up("--colour", "red")).toMatchObject({ code: "usage", detail: expect.stringContaining("--colour") });
    expect(await up("--port", "many")).toMatchObject({ code: "usage", detail: expect.stringContaining("many") });
  });
});
