import { readFileSync, readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { RUN_ID_VARIABLE } from "./root-protocol";

export interface SweepResult {
  /** Process ids that were sent SIGKILL. */
  readonly killed: readonly number[];
  /** Still there when the time was over: a process the kernel cannot end, or one of another user. */
  readonly left: readonly number[];
}

const SWEEP_MS = 5_000;
const LOOK_EVERY_MS = 20;

/**
 * Kills every process that a run started and that is still there, wherever it hid: another group, another session,
 * another parent. Told by the run's mark in its environment, so only on Linux; elsewhere it finds nothing.
 * For whoever notices that root is gone; root does the same itself when it ends in order.
 */
export async function sweepRun(runId: string, withinMs = SWEEP_MS): Promise<SweepResult> {
  const killed = new Set<number>();
  const until = Date.now() + withinMs;
  // Twice nothing: a process that is just becoming another program has no environment for a moment.
  for (let nothing = 0; ;) {
    const left = processesOfRun(runId);
    nothing = left.length === 0 ? nothing + 1 : 0;
    if (nothing === 2 || Date.now() > until) return { killed: [...killed], left };
    for (const pid of left) {
      if (send(pid, "SIGKILL")) killed.add(pid);
    }
    await sleep(LOOK_EVERY_MS);
  }
}

/** Process ids that carry the run's mark, this process left out. Zombies have no environment and do not count. */
export function processesOfRun(runId: string): number[] {
  return processesWith(RUN_ID_VARIABLE, new Set([runId]));
}

/** Process ids whose variable `name` was one of `values` when they were started; this process left out. */
export function processesWith(name: string, values: ReadonlySet<string>): number[] {
  const start = `${name}=`;
  return processIds().filter((pid) => {
    if (pid === process.pid) return false;
    const mark = environmentOf(pid).find((variable) => variable.startsWith(start));
    return mark !== undefined && values.has(mark.slice(start.length));
  });
}

function processIds(): number[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return []; // no /proc here
  }
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
  } catch {
    return []; // it ended meanwhile, or belongs to someone else
  }
}

/** Sends a signal; false where there is nobody to get it. A negative id means a process group. */
export function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
