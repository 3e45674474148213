import type { ChildProcess } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../../protocol/free-ports";
import { endOf, startForge } from "./forge-process";

let folder: string;
let desk: readonly string[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "forge-desk-"));
  const [grpc, http] = await freePorts(2);
  desk = ["sdk", "local", "--grpc-port", String(grpc), "--http-port", String(http)];
});
/** None is left where a test failed because it did not end. */
const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

function start(args: readonly string[], stdin?: number): ChildProcess {
  const child = startForge([...desk, ...args], folder, stdin);
  started.push(child);
  return child;
}

/** As CI, systemd and `docker run` start it: nothing to read, and no terminal. */
describe("forge sdk local without anyone who types", () => {
  test("ends with its program's exit code where standard input is /dev/null", async () => {
    const { code, err } = await endOf(start(["--", process.execPath, "-e", "process.exit(7)"]));
    expect([code, err.replace(/^built .*\n/, "")]).toEqual([7, ""]);
  });

  test("takes its orders from a file, and ends when its time is over", async () => {
    const orders = join(folder, "orders");
    writeFileSync(orders, "label mode=duel\n");
    const stdin = openSync(orders, "r");
    const { code, out, err } = await endOf(start(["--timeout", "1", "--json"], stdin));
    closeSync(stdin);
    expect([code, err.replace(/^built .*\n/, "")]).toEqual([0, ""]);
    expect(out).toContain('"order"');
  });

  test.each(["SIGINT", "SIGTERM"] as const)("ends at %s", async (signal) => {
    const child = start(["--json"]);
    if (child.stdout === null) throw new Error("no stdout");
    const ended = endOf(child);
    await once(child.stdout, "data");
    child.kill(signal);
    expect((await ended).code).toBe(0);
  });
});
