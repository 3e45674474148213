import { join } from "node:path";
import type { Clock } from "../../../../protocol/clock";
import type { EntryExit, EntrySpec, EntryState, EntryView, RootEventName, TaskSpec } from "../root-protocol";
import type { RunningTask } from "./running-task";
import type { SpawnPace } from "./spawn-pace";
import type { LaunchError, LaunchOrder, Launcher, ProcessExit, TaskProcess } from "./task-process";

/** What an entry needs of the world around it. */
export interface EntryOutside {
  readonly clock: Clock;
  readonly pace: SpawnPace;
  readonly launcher: Launcher;
  tell(event: RootEventName, entry: Entry): void;
}

interface TaskSlot {
  readonly spec: TaskSpec;
  readonly logFile: string;
  process: TaskProcess | undefined;
  exit: ProcessExit | undefined;
  outOfMemory: boolean;
  signalled: boolean;
}

/** What the system says when it is short of something that comes back, and how long to wait for it. */
const PASSING_ERRORS = new Set(["EAGAIN", "EMFILE", "ENFILE", "ENOMEM"]);
const RETRY_AFTER_MS = [100, 200, 400];
const LOOK_AGAIN_MS = 20;
/** What is there so long after SIGKILL is stuck in the kernel; waiting for it would hold up the whole entry for good. */
const STUCK_MS = 2_000;
const NEVER_RAN: ProcessExit = { exitCode: null, signal: null };

/**
 * One thing that root runs, from its first process to its last.
 *
 *     pending --all tasks started--> running --a task dies, or stop--> ending --nothing is left--> ended
 *        +-------------- a task cannot be started, or stop ---------------^
 *
 * An exit nobody asked for is told at the first death, while there is still something to save; one that was asked for
 * when nothing is left. What the entry holds (ports, volumes, control groups) is free in `ended` only.
 */
export class Entry {
  private state: EntryState = "pending";
  private readonly slots: readonly TaskSlot[];
  private exit: EntryExit | null = null;
  private requested = false;
  private stopProcess: TaskProcess | undefined;
  private deadlineAtMs = Infinity;
  private killedAtMs: number | undefined;
  private tellReleased = () => {};
  private cancelDeadline = () => {};
  private cancelLook = () => {};

  /** Resolves when nothing of it is left. */
  readonly released = new Promise<void>((resolve) => {
    this.tellReleased = resolve;
  });

  /** @param restarts how often this entry ran before */
  constructor(
    readonly spec: EntrySpec,
    private readonly outside: EntryOutside,
    private readonly restarts = 0,
  ) {
    this.slots = spec.tasks.map((task) => ({
      spec: task,
      logFile: join(spec.logDir, `${task.name}.log`),
      process: undefined,
      exit: undefined,
      outOfMemory: false,
      signalled: false,
    }));
  }

  view(): EntryView {
    const { id, kind, record, claims } = this.spec;
    return {
      id,
      kind,
      state: this.state,
      record,
      claims: this.state === "ended" ? [] : claims,
      tasks: this.slots.map(({ spec, logFile, process }) => ({ name: spec.name, pid: process?.pid ?? null, logFile })),
      exit: this.exit,
      restarts: this.restarts,
    };
  }

  running(): readonly RunningTask[] {
    return this.slots.flatMap((slot) => {
      const { process, spec, logFile } = slot;
      if (process === undefined || slot.exit !== undefined) return [];
      const killForMemory = () => {
        slot.outOfMemory = true;
        process.kill();
      };
      return [{ pid: process.pid, memory: spec.memory, logFile, killForMemory }];
    });
  }

  /** Starts the tasks one after the other, each in its turn. Never rejects: what goes wrong is the entry's exit. */
  async start(): Promise<void> {
    for (const slot of this.slots) {
      await this.outside.pace.turn();
      if (this.state !== "pending") return;
      if (!(await this.startTask(slot))) return;
    }
    if (this.state !== "pending") return;
    this.state = "running";
    this.outside.tell("started", this);
  }

  /** Asks it to end; SIGKILL after `graceSecs`. A second call can only shorten the time left. */
  stop(graceSecs: number): void {
    if (this.state !== "ended") this.requested = true;
    this.end(graceSecs);
  }

  /** To the process groups of all its tasks. */
  signal(signal: NodeJS.Signals): void {
    for (const slot of this.slots) if (isThere(slot)) slot.process?.signal(signal);
  }

  private async startTask(slot: TaskSlot): Promise<boolean> {
    try {
      const order: LaunchOrder = { ...slot.spec, logFile: slot.logFile };
      slot.process = await this.launchPatiently(order, (exit) => this.onExit(slot, exit));
    } catch (error) {
      const { code, message } = error as LaunchError;
      slot.exit = NEVER_RAN;
      if (this.exit === null) this.tellExit({ ...this.exitOf(slot), spawnError: { code, message } });
      this.end(this.spec.stop.graceSecs);
      return false;
    }
    // A stop may have come while the system was being asked.
    if (this.state !== "pending") slot.process.kill();
    return true;
  }

  private async launchPatiently(order: LaunchOrder, onExit: (exit: ProcessExit) => void): Promise<TaskProcess> {
    for (const waitMs of RETRY_AFTER_MS) {
      try {
        return await this.outside.launcher.launch(order, onExit);
      } catch (error) {
        if (PASSING_ERRORS.has((error as LaunchError).code)) {
          await new Promise<void>((resolve) => this.outside.clock.after(waitMs, resolve));
          if (this.state === "pending") continue;
        }
        throw error;
      }
    }
    return this.outside.launcher.launch(order, onExit);
  }

  private onExit(slot: TaskSlot, exit: ProcessExit): void {
    slot.exit = exit;
    if (slot.process?.ranOutOfMemory()) slot.outOfMemory = true;
    if (this.requested) return this.settle();
    // What it leaves behind lost its parent: an orphan that holds ports and files is worse than none.
    slot.process?.kill();
    if (this.exit === null) this.tellExit(this.exitOf(slot));
    this.end(this.spec.stop.graceSecs);
  }

  private exitOf(slot: TaskSlot): EntryExit {
    return {
      task: slot.spec.name,
      ...(slot.exit ?? NEVER_RAN),
      oom: slot.outOfMemory,
      requested: this.requested,
      atMs: this.outside.clock.now(),
      spawnError: null,
    };
  }

  private tellExit(exit: EntryExit): void {
    this.exit = exit;
    if (this.state !== "ended") this.state = "ending";
    this.outside.tell("exited", this);
  }

  private end(graceSecs: number): void {
    if (this.state === "ended") return;
    const asked = this.deadlineAtMs < Infinity;
    this.state = "ending";
    this.killAfter(graceSecs);
    if (!asked && graceSecs > 0) void this.askToEnd();
    this.settle();
  }

  private killAfter(graceSecs: number): void {
    const at = this.outside.clock.now() + graceSecs * 1000;
    if (at >= this.deadlineAtMs) return;
    this.deadlineAtMs = at;
    this.cancelDeadline();
    if (graceSecs <= 0) return this.killAll();
    this.cancelDeadline = this.outside.clock.after(graceSecs * 1000, () => this.killAll());
  }

  private killAll(): void {
    this.killedAtMs ??= this.outside.clock.now();
    for (const slot of this.slots) slot.process?.kill();
    this.stopProcess?.kill();
  }

  /** By its own stop command where it has one; by signal where it has none, or that fails. */
  private async askToEnd(): Promise<void> {
    const [primary] = this.slots;
    const { command } = this.spec.stop;
    if (primary === undefined || command === null || !isThere(primary)) return this.signalNext();
    const { env, cwd } = primary.spec;
    const order: LaunchOrder = { ...command, env, cwd, cpu: 0, memory: 0, logFile: primary.logFile };
    try {
      this.stopProcess = await this.outside.launcher.launch(order, ({ exitCode }) => {
        if (exitCode !== 0) this.signalNext();
      });
    } catch {
      this.signalNext();
    }
  }

  /** The primary first: what runs beside it serves it until it is gone. */
  private signalNext(): void {
    const [primary, ...others] = this.slots;
    const next = primary !== undefined && isThere(primary) ? [primary] : others;
    for (const slot of next) {
      if (slot.signalled || !isThere(slot)) continue;
      slot.signalled = true;
      slot.process?.signal(this.spec.stop.signal as NodeJS.Signals);
    }
  }

  /** Looks whether anything is left, again and again until nothing is. */
  private settle(): void {
    if (this.state !== "ending") return;
    this.cancelLook();
    if (!this.slots.some(isThere) || this.isStuck()) return this.finish();
    const [primary] = this.slots;
    if (primary !== undefined && !isThere(primary)) this.signalNext();
    this.cancelLook = this.outside.clock.after(LOOK_AGAIN_MS, () => this.settle());
  }

  private isStuck(): boolean {
    return this.killedAtMs !== undefined && this.outside.clock.now() - this.killedAtMs > STUCK_MS;
  }

  private finish(): void {
    this.cancelDeadline();
    this.killAll();
    for (const slot of this.slots) slot.process?.release();
    this.stopProcess?.release();
    this.state = "ended";
    const [primary] = this.slots;
    if (this.exit === null && primary !== undefined) this.tellExit(this.exitOf(primary));
    this.tellReleased();
    this.outside.tell("released", this);
  }
}

/** Whether the task's process, or anything else of its process group, is still there. */
function isThere(slot: TaskSlot): boolean {
  return slot.process !== undefined && (slot.exit === undefined || slot.process.isAlive());
}
