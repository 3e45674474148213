import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { RUN_ID_VARIABLE, type ProgramLine } from "../root-protocol";
import { send } from "../sweep";
import type { LimitGroups, TaskGroup } from "./limit-groups";
import type { ProcessTable } from "./process-table";

/** What to start, and where its output goes. */
export interface LaunchOrder extends ProgramLine {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly cpu: number;
  readonly memory: number;
  readonly logFile: string;
}

/** The system refused to start a process. */
export class LaunchError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** Starts processes for the entries; the real one is `ProcessLauncher`. */
export interface Launcher {
  /** @throws {LaunchError} */
  launch(order: LaunchOrder, onExit: (exit: ProcessExit) => void): Promise<TaskProcess>;
}

export interface ProcessExit {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/** One started process and what grew out of it. */
export interface TaskProcess {
  readonly pid: number;
  /** To its whole process group. */
  signal(signal: NodeJS.Signals): void;
  /** Whether anything of its process group is there. */
  isAlive(): boolean;
  /** SIGKILL to its group and to what left the group. */
  kill(): void;
  ranOutOfMemory(): boolean;
  /** Gives back what it held of the system; call once nothing is alive. */
  release(): void;
}

/** Enters the control groups named before `--`, then becomes the program. A group that has gone does not stop it. */
const ENTER_GROUPS = 'while [ "$1" != -- ]; do echo 0 >"$1"; shift; done 2>/dev/null; shift; exec "$@"';

export class ProcessLauncher implements Launcher {
  private readonly deathSignal: readonly string[];

  constructor(
    private readonly runId: string,
    private readonly groups: LimitGroups,
    private readonly processes: ProcessTable,
    platform: string,
  ) {
    this.deathSignal = platform === "linux" ? findDeathSignal() : [];
  }

  async launch(order: LaunchOrder, onExit: (exit: ProcessExit) => void): Promise<TaskProcess> {
    const group = this.groups.create(order.cpu, order.memory);
    try {
      const child = await this.fork(order, group);
      const started = new StartedProcess(child.pid as number, group, this.processes);
      child.once("exit", (exitCode, signal) => {
        started.markExited();
        onExit({ exitCode, signal });
      });
      return started;
    } catch (error) {
      group?.remove();
      throw toLaunchError(error);
    }
  }

  /** A process group of its own, so that signals reach what it starts; no pipe, so that root has no work with output. */
  private fork(order: LaunchOrder, group: TaskGroup | undefined): Promise<ChildProcess> {
    const [command = "", ...args] = this.wrap([order.command, ...order.args], group);
    mkdirSync(dirname(order.logFile), { recursive: true });
    const output = openSync(order.logFile, "a", 0o600);
    try {
      const child = spawn(command, args, {
        cwd: order.cwd,
        env: { ...order.env, [RUN_ID_VARIABLE]: this.runId },
        detached: true,
        stdio: ["ignore", output, output],
      });
      if (child.pid !== undefined) return Promise.resolve(child);
      return new Promise((_, reject) => child.once("error", reject));
    } finally {
      closeSync(output);
    }
  }

  private wrap(line: readonly string[], group: TaskGroup | undefined): readonly string[] {
    const dying = [...this.deathSignal, ...line];
    if (group === undefined) return dying;
    return ["/bin/sh", "-c", ENTER_GROUPS, "forge", ...group.entrances, "--", ...dying];
  }
}

/** `setpriv --pdeathsig`: the kernel kills the process when root dies, even by SIGKILL. */
function findDeathSignal(): readonly string[] {
  for (const setpriv of ["/usr/bin/setpriv", "/bin/setpriv"]) {
    const line = [setpriv, "--pdeathsig", "KILL", "--"];
    if (spawnSync(setpriv, [...line.slice(1), "/bin/true"], { stdio: "ignore" }).status === 0) return line;
  }
  return [];
}

function toLaunchError(error: unknown): LaunchError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new LaunchError(code ?? "UNKNOWN", message);
}

class StartedProcess implements TaskProcess {
  private exitedAtMs = Infinity;
  /** From then on its number may be another's. */
  private isGone = false;

  constructor(
    readonly pid: number,
    private readonly group: TaskGroup | undefined,
    private readonly processes: ProcessTable,
  ) {}

  markExited(): void {
    this.exitedAtMs = performance.now();
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.isGone) send(-this.pid, signal);
  }

  isAlive(): boolean {
    if (this.isGone) return false;
    this.isGone = !(send(-this.pid, 0) && this.processes.hasLiving(this.pid, this.exitedAtMs));
    return !this.isGone;
  }

  kill(): void {
    this.signal("SIGKILL");
    for (const pid of this.group?.members() ?? []) send(pid, "SIGKILL");
  }

  ranOutOfMemory(): boolean {
    return (this.group?.oomKills() ?? 0) > 0;
  }

  release(): void {
    this.group?.remove();
  }
}
