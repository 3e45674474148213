import { VirtualClock } from "../../../../protocol/virtual-clock";
import type { EntrySpec } from "../root-protocol";
import { Entry } from "./entry";
import { FakeLauncher, pass, settled, specOf, taskOf, type FakeProcess } from "./fake-launcher";
import { SpawnPace } from "./spawn-pace";

function stage(changes: Partial<EntrySpec> = {}) {
  const clock = new VirtualClock();
  const launcher = new FakeLauncher();
  const told: string[] = [];
  const pace = new SpawnPace(50, clock);
  const entry = new Entry(specOf(changes), { clock, pace, launcher, tell: (event) => void told.push(event) });
  const start = async () => {
    void entry.start();
    await settled();
    return launcher.started as [FakeProcess, ...FakeProcess[]];
  };
  return { clock, launcher, told, entry, start };
}

const code = (exitCode: number) => ({ exitCode, signal: null });
const withCommand = (graceSecs = 5) => ({
  stop: { command: { command: "/bin/stop", args: ["now"] }, signal: "SIGTERM", graceSecs },
});

describe("an entry's life", () => {
  it("goes from pending over running and ending to ended", async () => {
    const { entry, start, told } = stage();
    expect(entry.view().state).toBe("pending");
    const [process] = await start();
    expect(entry.view()).toMatchObject({ state: "running", tasks: [{ name: "primary", pid: process.pid }] });
    entry.stop(5);
    expect(entry.view()).toMatchObject({ state: "ending", exit: null });
    process.exit(code(0));
    expect(entry.view()).toMatchObject({ state: "ended", exit: { exitCode: 0, requested: true } });
    expect(told).toEqual(["started", "exited", "released"]);
    expect(process.released).toBe(true);
  });

  it("tells an exit that nobody asked for before the rest is gone", async () => {
    const { entry, start, told } = stage({ tasks: [taskOf("primary"), taskOf("physics")] });
    const [primary, physics] = (await start()) as [FakeProcess, FakeProcess];
    physics.exit(code(3));
    expect(told).toEqual(["started", "exited"]);
    expect(entry.view()).toMatchObject({ state: "ending", exit: { task: "physics", exitCode: 3, requested: false } });
    expect(primary.signals).toEqual(["SIGTERM"]);
    primary.exit(code(0));
    expect(told).toEqual(["started", "exited", "released"]);
    expect(entry.view().exit).toMatchObject({ task: "physics" });
  });

  it("kills what a dead task left behind", async () => {
    const { start, told } = stage();
    const [process] = await start();
    process.leftBehind = 2;
    process.exit(code(1));
    expect(process.leftBehind).toBe(0);
    expect(told).toEqual(["started", "exited", "released"]);
  });

  it("holds its claims until nothing is left", async () => {
    const { entry, start } = stage({ claims: ["port:1"] });
    const [process] = await start();
    entry.stop(5);
    process.leftBehind = 1;
    process.exit(code(0));
    expect(entry.view()).toMatchObject({ state: "ending", claims: ["port:1"] });
    process.leftBehind = 0;
    expect(entry.view().claims).toEqual(["port:1"]);
  });

  it("says that it was out of memory, by the kernel's count or by the watch", async () => {
    const kernel = stage();
    const [process] = await kernel.start();
    process.outOfMemory = true;
    process.exit({ exitCode: null, signal: "SIGKILL" });
    expect(kernel.entry.view().exit).toMatchObject({ oom: true, requested: false });

    const watch = stage();
    await watch.start();
    watch.entry.running()[0]?.killForMemory();
    expect(watch.entry.view().exit).toMatchObject({ oom: true, signal: "SIGKILL" });
  });
});

describe("stopping", () => {
  it("kills when the grace period is over, and not before", async () => {
    const { entry, start, clock } = stage();
    const [process] = await start();
    entry.stop(5);
    await pass(clock, 4_900);
    expect(process.signals).toEqual(["SIGTERM"]);
    await pass(clock, 200);
    expect(process.signals).toEqual(["SIGTERM", "SIGKILL"]);
    expect(entry.view()).toMatchObject({ state: "ended", exit: { signal: "SIGKILL", requested: true } });
  });

  it("kills at once without grace, and sends no signal before", async () => {
    const { entry, start } = stage();
    const [process] = await start();
    entry.stop(0);
    expect(process.signals).toEqual(["SIGKILL"]);
    expect(entry.view().state).toBe("ended");
  });

  it("can be hurried but not slowed down, and signals once", async () => {
    const { entry, start, clock } = stage();
    const [process] = await start();
    entry.stop(10);
    entry.stop(60);
    entry.stop(2);
    await pass(clock, 2_100);
    expect(process.signals).toEqual(["SIGTERM", "SIGKILL"]);
  });

  it("waits for what the server started, too", async () => {
    const { entry, start, clock, told } = stage();
    const [process] = await start();
    entry.stop(5);
    process.leftBehind = 1;
    process.exit(code(0));
    await pass(clock, 1_000);
    expect(told).toEqual(["started"]);
    process.leftBehind = 0;
    await pass(clock, 50);
    expect(told).toEqual(["started", "exited", "released"]);
    expect(process.signals).toEqual(["SIGTERM"]);
  });

  it("ends the primary first, then what runs beside it", async () => {
    const { entry, start, clock } = stage({ tasks: [taskOf("primary"), taskOf("physics")] });
    const [primary, physics] = (await start()) as [FakeProcess, FakeProcess];
    entry.stop(5);
    await pass(clock, 100);
    expect([primary.signals, physics.signals]).toEqual([["SIGTERM"], []]);
    primary.exit(code(0));
    expect(physics.signals).toEqual(["SIGTERM"]);
    physics.exit(code(0));
    expect(entry.view()).toMatchObject({ state: "ended", exit: { task: "primary", exitCode: 0 } });
  });

  it("uses the stop command, with the primary's environment, and no signal", async () => {
    const { entry, start, launcher, clock } = stage(withCommand());
    const [process] = await start();
    entry.stop(5);
    await settled();
    const stopping = launcher.started[1] as FakeProcess;
    expect(stopping.order).toMatchObject({
      command: "/bin/stop",
      args: ["now"],
      cwd: "/",
      logFile: "/logs/primary.log",
    });
    stopping.exit(code(0));
    await pass(clock, 1_000);
    expect(process.signals).toEqual([]);
    process.exit(code(0));
    expect(entry.view().state).toBe("ended");
  });

  it("signals where the stop command fails or cannot be started", async () => {
    const failing = stage(withCommand());
    const [first] = await failing.start();
    failing.entry.stop(5);
    await settled();
    failing.launcher.started[1]?.exit(code(1));
    expect(first.signals).toEqual(["SIGTERM"]);

    const missing = stage(withCommand());
    const [second] = await missing.start();
    missing.launcher.failures.push("ENOENT");
    missing.entry.stop(5);
    await settled();
    expect(second.signals).toEqual(["SIGTERM"]);
  });

  it("kills a stop command that hangs together with the server", async () => {
    const { entry, start, launcher, clock } = stage(withCommand(1));
    const [process] = await start();
    entry.stop(1);
    await pass(clock, 1_100);
    expect(process.signals).toEqual(["SIGKILL"]);
    expect(launcher.started[1]?.signals).toEqual(["SIGKILL"]);
    expect(entry.view().state).toBe("ended");
  });

  it("of what has not started yet means that it never does", async () => {
    const { entry, told, launcher } = stage();
    entry.stop(5);
    void entry.start();
    await settled();
    expect(launcher.started).toEqual([]);
    expect(told).toEqual(["exited", "released"]);
    expect(entry.view().exit).toMatchObject({ exitCode: null, requested: true });
  });

  it("of what has ended does nothing", async () => {
    const { entry, start, told } = stage();
    const [process] = await start();
    process.exit(code(2));
    entry.stop(0);
    expect(told).toEqual(["started", "exited", "released"]);
    expect(entry.view().exit).toMatchObject({ exitCode: 2, requested: false });
  });

  it("gives up on a process that not even SIGKILL ends", async () => {
    const { entry, start, clock } = stage();
    const [process] = await start();
    process.kill = () => {};
    entry.stop(0);
    expect(entry.view().state).toBe("ending");
    await pass(clock, 2_100);
    expect(entry.view().state).toBe("ended");
  });
});

describe("starting", () => {
  it("tries again where the system is short of something for a moment", async () => {
    const { entry, start, launcher, clock } = stage();
    launcher.failures.push("EAGAIN", "ENOMEM", "EMFILE");
    await start();
    expect(entry.view().state).toBe("pending");
    await pass(clock, 1_000);
    expect(entry.view().state).toBe("running");
  });

  it("gives up in the end, and says what the system said", async () => {
    const { entry, start, launcher, clock, told } = stage();
    launcher.failures.push("EAGAIN", "EAGAIN", "EAGAIN", "EAGAIN");
    await start();
    await pass(clock, 1_000);
    expect(entry.view()).toMatchObject({ state: "ended", exit: { spawnError: { code: "EAGAIN" } } });
    expect(told).toEqual(["exited", "released"]);
  });

  it("does not try again what can never be", async () => {
    const { entry, start, launcher } = stage();
    launcher.failures.push("ENOENT");
    await start();
    expect(entry.view().exit?.spawnError).toEqual({ code: "ENOENT", message: "spawn /bin/primary ENOENT" });
    expect(launcher.started).toEqual([]);
  });

  it("stops what had started when the next task cannot", async () => {
    const { entry, start, launcher } = stage({ tasks: [taskOf("primary"), taskOf("physics")] });
    const launch = launcher.launch.bind(launcher);
    launcher.launch = (order, onExit) => {
      if (order.command === "/bin/physics") launcher.failures.push("EACCES");
      return launch(order, onExit);
    };
    const [primary] = await start();
    expect(primary.signals).toEqual(["SIGTERM"]);
    primary.exit(code(0));
    expect(entry.view()).toMatchObject({ state: "ended", exit: { task: "physics", spawnError: { code: "EACCES" } } });
  });

  it("is not taken up again after a stop between two tries", async () => {
    const { entry, start, launcher, clock, told } = stage();
    launcher.failures.push("EAGAIN");
    await start();
    entry.stop(5);
    await pass(clock, 1_000);
    expect(launcher.started).toEqual([]);
    expect(told).toEqual(["exited", "released"]);
    expect(entry.view()).toMatchObject({ state: "ended", exit: { requested: true } });
  });
});
