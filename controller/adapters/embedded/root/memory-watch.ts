import { readFileSync, readdirSync } from "node:fs";
import type { RunningTask } from "./entry";

const MIB = 1024 * 1024;

/** How the memory of processes is learned. */
export interface MemoryReader {
  /** Process ids by process group. */
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

/** Reads /proc: one short file for each process of the machine, one more for each in a limited group. */
export const procMemory: MemoryReader = {
  groups: () => {
    const groups = new Map<number, number[]>();
    for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
      const stat = read(`/proc/${name}/stat`);
      // The second field is the program's name in brackets and may hold anything; the group is the fifth.
      const group = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ", 3)[2]);
      const members = groups.get(group);
      if (members === undefined) groups.set(group, [Number(name)]);
      else members.push(Number(name));
    }
    return groups;
  },
  ownBytes: (pid) => Number(/^RssAnon:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * 1024,
};

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // it ended meanwhile
  }
}
