import type { RunningTask } from "./running-task";

const MIB = 1024 * 1024;

/** How the memory of processes is learned. */
export interface MemoryReader {
  /** Process ids by process group, those that are alive. */
  groups(): ReadonlyMap<number, readonly number[]>;
  /** What only this process holds, in bytes: not what it shares with others or can read from a file again. */
  ownBytes(pid: number): number;
}

/**
 * The stand-in for a memory limit where no control group may be made: kills each task whose process group holds more
 * than the task asked for.
 */
export function killOverLimit(tasks: readonly RunningTask[], memory: MemoryReader): void {
  const limited = tasks.filter((task) => task.memory > 0);
  if (limited.length === 0) return;
  const groups = memory.groups();
  for (const task of limited) {
    const held = (groups.get(task.pid) ?? []).reduce((bytes, pid) => bytes + memory.ownBytes(pid), 0);
    if (held > task.memory * MIB) task.killForMemory();
  }
}
