import type { VirtualClock } from "../../../../protocol/virtual-clock";
import type { EntrySpec, TaskSpec } from "../root-protocol";
import { LaunchError, type Launcher, type LaunchOrder, type ProcessExit, type TaskProcess } from "./task-process";

/** A process that does only what a test says. */
export class FakeProcess implements TaskProcess {
  readonly signals: string[] = [];
  outOfMemory = false;
  released = false;
  /** Others of its process group that are still there. */
  leftBehind = 0;
  private exited = false;

  constructor(
    readonly pid: number,
    readonly order: LaunchOrder,
    private readonly onExit: (exit: ProcessExit) => void,
  ) {}

  signal(signal: NodeJS.Signals): void {
    this.signals.push(signal);
  }

  isAlive(): boolean {
    return !this.exited || this.leftBehind > 0;
  }

  kill(): void {
    this.leftBehind = 0;
    if (this.exited) return;
    this.signals.push("SIGKILL");
    this.exit({ exitCode: null, signal: "SIGKILL" });
  }

  ranOutOfMemory(): boolean {
    return this.outOfMemory;
  }

  release(): void {
    this.released = true;
  }

  exit(exit: ProcessExit): void {
    this.exited = true;
    this.onExit(exit);
  }
}

/** Starts fake processes; `failures` are thrown first, one a launch. */
export class FakeLauncher implements Launcher {
  readonly started: FakeProcess[] = [];
  readonly failures: string[] = [];

  async launch(order: LaunchOrder, onExit: (exit: ProcessExit) => void): Promise<TaskProcess> {
    const code = this.failures.shift();
    if (code !== undefined) throw new LaunchError(code, `spawn ${order.command} ${code}`);
    const process = new FakeProcess(1000 + this.started.length, order, onExit);
    this.started.push(process);
    return process;
  }
}

export function specOf(changes: Partial<EntrySpec> = {}): EntrySpec {
  return {
    id: "server-1",
    kind: "server",
    tasks: [taskOf("primary")],
    logDir: "/logs",
    record: "{}",
    claims: [],
    restart: "never",
    stop: { command: null, signal: "SIGTERM", graceSecs: 5 },
    ...changes,
  };
}

export function taskOf(name: string): TaskSpec {
  return { name, command: `/bin/${name}`, args: [], env: {}, cwd: "/", cpu: 0, memory: 0 };
}

/** Lets everything that waits for a promise go on. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 10; i += 1) await Promise.resolve();
}

/** Moves time on in small steps, so that what a timer starts can start timers. */
export async function pass(clock: VirtualClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 10) {
    clock.advance(Math.min(10, ms - passed));
    await settled();
  }
}
