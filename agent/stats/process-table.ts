/** One process as the kernel counts it. */
export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** Ended, and only waiting for its parent to take notice. */
  readonly zombie: boolean;
  /** Its own CPU time and that of its children that have ended and were waited for, in milliseconds. */
  readonly cpuMs: number;
  readonly memoryBytes: number;
  /** Opaque; together with the pid it names one process for good, as pids are used again. */
  readonly started: string;
}

/** Where processes are looked up: `/proc` on Linux, `ps` elsewhere. */
export interface ProcessTable {
  /** Every process that could matter. `pids` are those asked for by name; a source that cannot list all gives at least them. */
  list(pids: readonly number[]): Promise<readonly ProcessRow[]>;
  /** Whether a process has this pid now, also a zombie. Cheap. */
  exists(pid: number): boolean;
  /** What names this process for good (`ProcessRow.started`); undefined where there is none or it is a zombie. */
  started(pid: number): string | undefined;
}

/**
 * Which of these processes belong to which owner: the owner's roots and everything that descends from them or is in the
 * process group or session that a root leads. A child whose parent has ended is found by group and session.
 *
 * @param roots root pid to its owner
 * @returns pid to owner
 */
export function membersOf<Owner>(rows: readonly ProcessRow[], roots: ReadonlyMap<number, Owner>): Map<number, Owner> {
  const byPid = new Map(rows.map((row) => [row.pid, row]));
  const found = new Map<number, Owner | undefined>();
  for (const row of rows) assign(row, byPid, roots, found);
  const members = new Map<number, Owner>();
  for (const [pid, owner] of found) if (owner !== undefined) members.set(pid, owner);
  return members;
}

/** Climbs from `row` until someone's owner is known, and notes it for the whole way: each process is visited once. */
function assign<Owner>(
  row: ProcessRow,
  byPid: ReadonlyMap<number, ProcessRow>,
  roots: ReadonlyMap<number, Owner>,
  found: Map<number, Owner | undefined>,
): void {
  const way: number[] = [];
  let owner: Owner | undefined;
  let at: ProcessRow | undefined = row;
  while (at !== undefined) {
    if (found.has(at.pid)) {
      owner = found.get(at.pid);
      break;
    }
    way.push(at.pid);
    // Noted before it is known, so that a table read while it changed cannot send us in circles.
    found.set(at.pid, undefined);
    owner = roots.get(at.pid) ?? roots.get(at.group) ?? roots.get(at.session);
    if (owner !== undefined) break;
    at = byPid.get(at.parent);
  }
  for (const pid of way) found.set(pid, owner);
}

/** Asks by sending no signal. One that may not be sent still finds someone. */
export function pidExists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
