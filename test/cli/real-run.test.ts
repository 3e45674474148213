import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runForTest } from "../../cli/cli-under-test";
import { isRunning, readRunFile, runFilePath } from "../../cli/run-file";
import { forge } from "./forge-process";

const CONFIG = `
[health]
check_interval_secs = 1
timeout_secs = 1

[[regions]]
name = "one"
engine = "embedded"

[[regions]]
name = "two"
engine = "embedded"

[experiences.arena]
command = "node"
args = ["\${FORGE_HOME}/dist/games/arena-server.js"]
version = "1.0.0"
max_players = 4
cpu = 100
memory = 128
ports = { game = "ws" }
health = "sdk"
scaling = { min_servers = 1, max_servers = 4 }

[experiences.arena.roles.physics]
per = "server"
command = "node"
args = ["\${FORGE_HOME}/dist/games/arena-physics.js"]
cpu = 100
memory = 128
ports = { physics = "tcp" }

[experiences.gone]
command = "./missing"
version = "1.0.0"
max_players = 4
scaling = { min_servers = 0, max_servers = 1 }
`;

interface ListedServer {
  readonly id: string;
  readonly region: string;
  readonly state: string;
  readonly createdAt: string;
}

interface Listed {
  readonly items: readonly ListedServer[];
}

/** The documented commands on a run of their own: real controllers, agents, gates and servers. */
describe("a run from up to down", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "forge-cli-"));
    writeFileSync(join(folder, "forge.toml"), CONFIG);
  });
  afterAll(async () => {
    if (existsSync(runFilePath(folder))) await forge(["down"], folder);
    rmSync(folder, { recursive: true });
  });

  /** Starting and ending are done by processes; what is between runs in this one, as that is quicker. */
  async function done(...args: readonly string[]): Promise<{ readonly out: string }> {
    const { code, out, err } = await runForTest(args, { cwd: folder, env: { PATH: process.env["PATH"] ?? "" } });
    expect([args, code, code === 0 ? "" : err]).toEqual([args, 0, ""]);
    return { out };
  }

  async function json<T>(...args: readonly string[]): Promise<T> {
    return JSON.parse((await done(...args, "--json")).out) as T;
  }

  /** The oldest server of a region that is up: one that was spawned beyond need is the first to go again. */
  async function running(region: string): Promise<string> {
    for (;;) {
      const { items } = await json<Listed>("ps", "--region", region);
      const up = items.filter(({ state }) => state === "ready" || state === "allocated");
      const [oldest] = up.sort((one, other) => Date.parse(one.createdAt) - Date.parse(other.createdAt));
      if (oldest !== undefined) return oldest.id;
    }
  }

  test("every command that acts on a run", async () => {
    const up = await forge(["up", "--detach", "--no-demo", "--port", "0"], folder);
    expect([up.code, up.code === 0 ? "" : up.err]).toEqual([0, ""]);
    expect(up.out).toMatch(/http:\/\/127\.0\.0\.1:\d+\/#token=/);
    const run = readRunFile(runFilePath(folder));
    if (run === undefined) throw new Error("the run wrote no run file");
    expect(run).toMatchObject({ detached: true, regions: { one: expect.any(String), two: expect.any(String) } });
    expect((await forge(["up", "--no-demo", "--port", "0"], folder)).code).toBe(1);

    const spawn = ["spawn", "arena@1.0.0", "--region", "two", "--wait", "--label", "by=hand"];
    expect((await json<Listed>(...spawn)).items).toEqual([
      expect.objectContaining({ region: "two", state: "ready", labels: { by: "hand" } }),
    ]);
    const server = await running("two");
    expect((await json<Listed>("ps", "--regions")).items).toEqual([
      expect.objectContaining({ name: "one", state: "up" }),
      expect.objectContaining({ name: "two", state: "up" }),
    ]);
    expect((await json<Listed>("ps", "--fleets", "--region", "one")).items).toHaveLength(2);

    expect((await forge(["spawn", "gone", "--region", "one", "--wait"], folder)).code).toBe(1);
    expect((await json<Listed>("ps", "--experience", "gone")).items).toEqual([]);
    expect((await json<Listed>("ps", "--all", "--experience", "gone")).items).toEqual([
      expect.objectContaining({ state: "terminated", reason: expect.stringContaining("missing") }),
    ]);
    // Nothing else is missing here.
    writeFileSync(join(folder, "missing"), "", { mode: 0o755 });

    const routed = await json<{ items: readonly { ticket: string }[] }>("route", server, "ann", "bob");
    expect(routed.items.map(({ ticket }) => ticket)).toEqual([expect.any(String), expect.any(String)]);
    expect((await json<Listed>("ps", "--sessions", "--region", "two")).items).toHaveLength(2);
    expect((await json<{ sessions: readonly object[] }>("why", "ann")).sessions).toHaveLength(1);
    expect((await done("why", "arena", "--region", "one")).out).toMatch(/^scale of arena/m);
    expect((await done("logs", server)).out).not.toBe("");
    expect((await done("events", "--type", "server.ready", "--server", server)).out).toContain(server);
    expect(
      (await json<{ connection: string }>("allocate", "arena", "--match", "m-1", "--player", "cy", "--deadline", "20"))
        .connection,
    ).toMatch(/:\d+$/);

    const token = (await done("token", "--role", "viewer", "--regions", "one")).out.trim();
    expect((await forge(["stop", server, "--token", token], folder)).code).toBe(4);
    expect((await forge(["stop", "srv-one-none"], folder)).code).toBe(5);

    const { started } = await json<{ started: { id: string } }>("restart", server);
    expect(started.id).not.toBe(server);
    await done("kill", await running("two"), "--reason", "a test");
    await done("drain", await running("one"), "--deadline", "0");
    await done("stop", await running("one"));
    expect((await json<{ state: string }>("drain", "region", "two")).state).toBe("draining");
    expect((await json<{ state: string }>("drain", "region", "two", "--undo")).state).toBe("up");
    await done("doctor");

    expect((await forge(["down"], folder)).code).toBe(0);
    expect(isRunning(run)).toBe(false);
    expect(existsSync(runFilePath(folder))).toBe(false);
    expect((await forge(["ps"], folder)).code).toBe(3);
  }, 180_000);
});

test("synth turns a forge.toml into Terraform JSON for each region", async () => {
  const folder = mkdtempSync(join(tmpdir(), "forge-cli-"));
  try {
    writeFileSync(join(folder, "forge.toml"), CONFIG);
    const { code, out, err } = await forge(["synth", "--output", "terraform", "--json"], folder);
    expect([code, code === 0 ? "" : err]).toEqual([0, ""]);
    expect(JSON.parse(out)).toMatchObject({ regions: ["one", "two"] });
    expect(existsSync(join(folder, "terraform", "stacks", "two-jobs", "cdk.tf.json"))).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 180_000);
