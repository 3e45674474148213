import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { refused } from "../../controller/api/backend-double";
import { RunDouble } from "../double/run-double";
import { serverEvent } from "../double/samples";
import { forge, startForge } from "./forge-process";

let run: RunDouble;
let empty: string;
beforeAll(async () => {
  run = await RunDouble.start();
  empty = mkdtempSync(join(tmpdir(), "forge-cli-"));
});
afterAll(async () => {
  await run.close();
  rmSync(empty, { recursive: true });
});
beforeEach(() => run.reset());

/** What a command prints that fails with `--json`. */
function problemOf(err: string): Record<string, unknown> {
  return JSON.parse(err.trim().split("\n").at(-1) ?? "") as Record<string, unknown>;
}

describe("exit codes of the real command", () => {
  test("0: done, with the result on stdout and nothing else", async () => {
    const { code, out, err } = await forge(["ps", "--json"], run.folder);
    expect({ code, said: err.replace(/^built .*\n/, "") }).toEqual({ code: 0, said: "" });
    expect(JSON.parse(out)).toMatchObject({ items: [{ id: "srv-local-1" }], missing: [] });
  });

  test("1: failed, and may work another time", async () => {
    run.region().backend.when("spawnServer", () => refused({ code: "noCapacity", detail: "12 of 12 run" }));
    const { code, err } = await forge(["spawn", "arena", "--json"], run.folder);
    expect(code).toBe(1);
    expect(problemOf(err)).toMatchObject({ code: "noCapacity", status: 503, exitCode: 1 });
  });

  test("2: no forge.toml, a broken one, a command of another version", async () => {
    const none = await forge(["config", "check"], empty);
    expect(none).toMatchObject({ code: 2, out: "", err: expect.stringContaining("forge init") });
    writeFileSync(join(empty, "forge.toml"), "[experiences.pong]\nmax_players = 0\n");
    expect((await forge(["up", "--json"], empty)).code).toBe(2);
    // What is wrong with the file, before that nobody can be asked.
    const deploy = await forge(["deploy", "us-east", "--json"], empty);
    expect([deploy.code, problemOf(deploy.err)]).toEqual([2, expect.objectContaining({ code: "configInvalid" })]);
  });

  test("3: no run, and a run whose controllers do not answer", async () => {
    expect(problemOf((await forge(["ps", "--json"], empty)).err)).toMatchObject({ code: "noRun", exitCode: 3 });
    const other = await RunDouble.start();
    await other.close();
    const gone = await forge(["ps", "--addr", other.region().url, "--json"], empty);
    expect(gone.code).toBe(3);
    expect(problemOf(gone.err)).toMatchObject({
      code: "unreachable",
      detail: expect.stringContaining("connection refused"),
    });
  });

  test("4: a token of a lesser role", async () => {
    const { code, err } = await forge(["kill", "srv-local-1", "--token", run.token("viewer"), "--json"], run.folder);
    expect(code).toBe(4);
    expect(problemOf(err)).toMatchObject({ code: "roleNotAllowed", exitCode: 4 });
    expect(err).not.toContain("eyJ");
  });

  test("5: no such server", async () => {
    run
      .region()
      .backend.when("terminateServer", () => refused({ code: "unknownServer", detail: "no srv-local-9 here" }));
    const { code, err } = await forge(["stop", "srv-local-9"], run.folder);
    expect(code).toBe(5);
    expect(err).toMatch(/forge: no srv-local-9 here \(unknownServer\)\n {2}fix: `forge ps` lists the servers/);
  });
});

test("130, as a shell says it: Ctrl-C ends what would go on for ever", async () => {
  const child = startForge(["events", "--follow", "--json"], run.folder);
  if (child.stdout === null) throw new Error("no stdout");
  const { events } = run.region().backend;
  const happening = setInterval(() => events.append(serverEvent("server.ready")), 20);
  await once(child.stdout, "data");
  clearInterval(happening);
  child.kill("SIGINT");
  expect(await once(child, "exit")).toEqual([null, "SIGINT"]);
});

test("a reader that has enough ends the command, as `| head` does", async () => {
  const child = startForge(["events", "--follow", "--json"], run.folder);
  const { stdout } = child;
  if (stdout === null) throw new Error("no stdout");
  const { events } = run.region().backend;
  // Until it is connected, and then until what it writes has nobody to read it.
  const happening = setInterval(() => events.append(serverEvent("server.ready")), 20);
  await once(stdout, "data");
  stdout.destroy();
  const [code] = (await once(child, "exit")) as [number | null];
  clearInterval(happening);
  expect(code).toBe(0);
});
