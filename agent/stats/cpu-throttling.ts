import { readFileSync } from "node:fs";

export interface CpuThrottlingOptions {
  /** `/proc` but in tests. */
  readonly processes?: string;
  /** Where control groups are mounted; `/sys/fs/cgroup` but in tests. */
  readonly groups?: string;
}

/** How often a group has come to the end of its CPU quota, since it was made. */
export interface Throttling {
  /** Periods (of 100 ms, unless the quota says otherwise) in which it ran. */
  readonly periods: number;
  /** Those in which the kernel held it back until the next. */
  readonly throttled: number;
}

/**
 * Reads a process's CPU throttling from its control group, as the kernel counts it in `cpu.stat`: version 2, or the `cpu`
 * hierarchy of version 1. A group without a quota is never throttled, and has no periods.
 */
export class CpuThrottling {
  private readonly processes: string;
  private readonly groups: string;

  constructor({ processes = "/proc", groups = "/sys/fs/cgroup" }: CpuThrottlingOptions = {}) {
    this.processes = processes;
    this.groups = groups;
  }

  /** Undefined where the process is gone, its group sets no quota, or this machine has no control groups. */
  of(pid: number): Throttling | undefined {
    for (const group of groupsOf(read(`${this.processes}/${String(pid)}/cgroup`) ?? "")) {
      const stat = read(`${this.groups}/${group}/cpu.stat`);
      const periods = valueOf(stat, "nr_periods");
      const throttled = valueOf(stat, "nr_throttled");
      if (periods !== undefined && throttled !== undefined && periods > 0) return { periods, throttled };
    }
    return undefined;
  }
}

/** Folders of the groups that may hold its CPU, below the mount: version 1 first, as both may be there. */
function groupsOf(text: string): string[] {
  const lines = text.split("\n").map((line) => /^\d+:([^:]*):(\/.*)$/.exec(line));
  const of = (wanted: (controllers: string) => boolean): string[] =>
    lines.flatMap((found) => (found && wanted(found[1] ?? "") ? [found[2] ?? ""] : []));
  const version1 = of((controllers) => controllers.split(",").includes("cpu"));
  const version2 = of((controllers) => controllers === "");
  return [...version1.map((path) => `cpu${path}`), ...version2.map((path) => path.slice(1))];
}

function valueOf(stat: string | undefined, name: string): number | undefined {
  const found = new RegExp(`^${name} (\\d+)$`, "m").exec(stat ?? "");
  return found ? Number(found[1]) : undefined;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
