import { readFileSync, readdirSync } from "node:fs";
import type { MemoryReader } from "./memory-watch";

const FRESH_MS = 20;

type Groups = ReadonlyMap<number, readonly number[]>;

/** Which processes are in which process group, read from /proc: one short file for each process of the machine. */
export class ProcessTable implements MemoryReader {
  private groupsRead: Groups = new Map();
  private readAtMs = -Infinity;

  /** @param now milliseconds of any steady clock */
  constructor(private readonly now: () => number) {}

  /**
   * Whether a group has a process that is no zombie: `kill(-group, 0)` counts those, and an init that does not reap
   * leaves them for good. True where /proc cannot tell.
   *
   * @param sinceMs a look at /proc from before then is of no use
   */
  hasLiving(group: number, sinceMs: number): boolean {
    const fresh = this.readAtMs >= sinceMs && this.now() - this.readAtMs < FRESH_MS;
    const groups = fresh ? this.groupsRead : this.groups();
    return groups.size === 0 || groups.has(group);
  }

  groups(): Groups {
    const groups = new Map<number, number[]>();
    this.readAtMs = this.now();
    for (const pid of processIds()) {
      // The second field is the program's name in brackets and may hold anything; then state, parent, group.
      const stat = read(`/proc/${pid}/stat`);
      const [state, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ", 3);
      if (group === undefined || state === "Z" || state === "X") continue;
      const members = groups.get(Number(group));
      if (members === undefined) groups.set(Number(group), [pid]);
      else members.push(pid);
    }
    this.groupsRead = groups;
    return groups;
  }

  ownBytes(pid: number): number {
    return Number(/^RssAnon:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * 1024;
  }
}

function processIds(): number[] {
  try {
    return readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  } catch {
    return []; // no /proc here
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // it ended meanwhile
  }
}
