import pidusage from "pidusage";
import { pidExists, type ProcessRow, type ProcessTable } from "./process-table";

/**
 * Processes by the system's own tools, where there is no `/proc`: only those asked for, without what descends from them,
 * and a pid that is used again is not told from the one before.
 */
export class PidusageTable implements ProcessTable {
  async list(pids: readonly number[]): Promise<readonly ProcessRow[]> {
    const present = pids.filter(pidExists);
    if (present.length === 0) return [];
    // One that ended meanwhile is null, whatever the types say.
    const usage: Record<string, pidusage.Status | null> = await pidusage(present);
    return Object.values(usage).flatMap((status) => (status === null ? [] : [rowOf(status)]));
  }

  exists(pid: number): boolean {
    return pidExists(pid);
  }

  started(pid: number): string | undefined {
    return pidExists(pid) ? "there" : undefined;
  }
}

function rowOf({ pid, ppid, ctime, memory }: pidusage.Status): ProcessRow {
  return {
    pid,
    parent: ppid,
    group: 0,
    session: 0,
    zombie: false,
    cpuMs: ctime,
    memoryBytes: memory,
    started: "there",
  };
}
