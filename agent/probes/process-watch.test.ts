import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { systemClock } from "../../protocol/clock";
import { VirtualClock } from "../../protocol/virtual-clock";
import { skipUnless } from "../../test/skips";
import { ProcTable } from "../stats/proc-table";
import { ProcessWatch } from "./process-watch";
import { startProbes } from "./start-probes";
import { HeardFindings, testServer } from "./test-findings";

describe("a server's processes", () => {
  const alive = new Map<number, string>();
  const processes = { exists: (pid: number) => alive.has(pid), started: (pid: number) => alive.get(pid) };
  let clock: VirtualClock;
  let watch: ProcessWatch;
  let gone: string[];

  beforeEach(() => {
    clock = new VirtualClock();
    watch = new ProcessWatch({ clock, processes });
    gone = [];
    alive.clear();
    for (const pid of [10, 11, 12]) alive.set(pid, `at ${pid}`);
  });
  const onGone = (reason: string) => void gone.push(reason);

  test("the end of any of them is the server's, told once", () => {
    watch.watch({ primary: 10, physics: 11 }, onGone);
    clock.advance(10_000);
    expect(gone).toEqual([]);
    alive.delete(11);
    clock.advance(250);
    expect(gone).toEqual(['process 11 ("physics") is not there any more']);
    alive.delete(10);
    clock.advance(10_000);
    expect(gone).toHaveLength(1);
  });

  test("one that is not there from the first is told in a later turn", () => {
    watch.watch({ primary: 99 }, onGone);
    expect(gone).toEqual([]);
    clock.advance(250);
    expect(gone).toHaveLength(1);
  });

  test("a pid that names another process now is an end", () => {
    for (const pid of [10, 11, 12]) watch.watch({ primary: pid }, onGone);
    alive.set(11, "later");
    clock.advance(2_000);
    expect(gone).toEqual(['process 11 ("primary") is not there any more']);
  });

  test("a pid of 0 is none: it would stand for our own", () => {
    watch.watch({ primary: 0, other: -1 }, onGone);
    clock.advance(10_000);
    expect(gone).toEqual([]);
  });

  test("nothing is told after the watch was stopped", () => {
    const stop = watch.watch({ primary: 10 }, onGone);
    watch.watch({ primary: 12 }, onGone);
    stop();
    alive.clear();
    clock.advance(1_000);
    expect(gone).toEqual(['process 12 ("primary") is not there any more']);
  });
});

skipUnless(
  "a real process",
  "it needs Linux's /proc",
  process.platform === "linux",
)("a real process", () => {
  const start = startProbes({ clock: systemClock, random: Math.random, processes: new ProcTable() });
  let child: ChildProcess;
  let heard: HeardFindings;
  beforeEach(() => {
    heard = new HeardFindings();
    child = spawn("sleep", ["600"], { stdio: "ignore" });
  });
  afterEach(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  });

  test("of a server without SDK is ready because it is there, and exits", async () => {
    const probes = start(testServer({ pids: { primary: child.pid as number } }), heard.report);
    await heard.hears("ready");
    child.kill("SIGKILL");
    expect((await heard.hears("exited")).reason).toContain(String(child.pid));
    expect(heard.kinds).toEqual(["ready", "exited"]);
    await probes.stop();
  });

  test("with an SDK says itself that it is ready", async () => {
    const probes = start(testServer({ sdk: "forge", pids: { primary: child.pid as number } }), heard.report);
    child.kill("SIGKILL");
    await heard.hears("exited");
    expect(heard.kinds).toEqual(["exited"]);
    await probes.stop();
  });

  test("that nobody has reaped yet is gone too", async () => {
    // The shell's child ends at once; exec'ed into sleep, its parent never waits for it.
    const parent = spawn("sh", ["-c", "sleep 0 & echo $!; exec sleep 600"], { stdio: ["ignore", "pipe", "ignore"] });
    const [line] = (await once(parent.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
    const probes = start(testServer({ sdk: "forge", pids: { primary: Number(line.toString()) } }), heard.report);
    await heard.hears("exited");
    await probes.stop();
    parent.kill("SIGKILL");
    await once(parent, "exit");
  });
});
