import type { Clock } from "../../protocol/clock";
import type { ExpectedServer } from "../../protocol/messages";
import type { Finding } from "../finding";
import type { AllocationProcesses } from "./allocation-processes";
import type { CpuThrottling, Throttling } from "./cpu-throttling";
import { Looks } from "./looks";
import { membersOf, type ProcessRow, type ProcessTable } from "./process-table";

export interface UsageSamplerDeps {
  readonly clock: Clock;
  readonly processes: ProcessTable;
  /** Finds servers' processes where nobody told their ids. */
  readonly allocations?: Pick<AllocationProcesses, "of">;
  /** Tells how often a server was held to its CPU quota; without it nothing is told of that. */
  readonly throttling?: Pick<CpuThrottling, "of">;
  /** What one core is worth, MHz. 1000 unless the node says. */
  readonly mhzPerCore?: number;
  /** Between the end of one look and the next, milliseconds. 2000 unless told. */
  readonly intervalMs?: number;
}

type WatchedServer = Pick<ExpectedServer, "pids" | "cpu"> & Partial<Pick<ExpectedServer, "allocationId">>;
type UsageReport = (finding: Extract<Finding, { kind: "usage" }>) => void;

interface Watched {
  readonly roots: readonly { readonly pid: number; readonly started: string | undefined }[];
  /** Of a server whose process ids nobody told: every process of this allocation is its. */
  readonly allocationId: string | undefined;
  /** MHz asked for. */
  readonly cpu: number;
  readonly report: UsageReport;
  last: { readonly atMs: number; readonly cpuMs: number; readonly throttling: Throttling | undefined } | undefined;
}

/**
 * CPU time and memory of the servers of a node, by one look at all its processes every two seconds however many servers
 * there are. Time is counted from one look to the next, so a server's second look is the first that tells.
 *
 * A server's time is the sum over its processes of their own and of their ended children's: when a child ends, its time
 * moves to its parent, so nothing is lost or counted twice. Memory is the sum of resident sets; pages that processes
 * share count for each, as telling them apart costs milliseconds a process.
 */
export class UsageSampler {
  readonly #looks: Looks<Watched>;

  constructor(private readonly deps: UsageSamplerDeps) {
    const { clock, intervalMs = 2000 } = deps;
    this.#looks = new Looks({ clock, intervalMs, look: (watched) => this.#sample(watched) });
  }

  /** @returns stops it */
  watch(server: WatchedServer, report: UsageReport): () => void {
    const pids = Object.values(server.pids).filter((pid) => pid > 0);
    const untold = pids.length === 0;
    if (untold && this.deps.allocations === undefined) return () => undefined;
    const roots = pids.map((pid) => ({ pid, started: this.deps.processes.started(pid) }));
    const allocationId = untold ? server.allocationId : undefined;
    return this.#looks.watch({ roots, allocationId, cpu: server.cpu, report, last: undefined });
  }

  async #sample(asked: readonly Watched[]): Promise<void> {
    const rows = await this.deps.processes.list(asked.flatMap(({ roots }) => roots.map(({ pid }) => pid)));
    const atMs = this.deps.clock.now();
    const processes = this.#processesOf(asked, rows);
    for (const watched of asked) {
      const own = processes.get(watched);
      if (own !== undefined && this.#looks.has(watched)) this.#tell(watched, own, atMs);
    }
  }

  #processesOf(asked: readonly Watched[], rows: readonly ProcessRow[]): Map<Watched, ProcessRow[]> {
    const started = new Map(rows.map((row) => [row.pid, row.started]));
    const roots = new Map<number, Watched>();
    for (const watched of asked) {
      for (const root of watched.roots) {
        // A root that has ended still names its group and session, unless its pid is another's by now.
        if (started.get(root.pid) === undefined || started.get(root.pid) === root.started) roots.set(root.pid, watched);
      }
    }
    const members = membersOf(rows, roots);
    const allocations = new Map(asked.map((watched) => [watched.allocationId, watched]));
    allocations.delete(undefined);
    const processes = new Map<Watched, ProcessRow[]>();
    for (const row of rows) {
      const found = allocations.size === 0 ? undefined : this.deps.allocations?.of(row.pid)?.allocationId;
      const owner = members.get(row.pid) ?? (found === undefined ? undefined : allocations.get(found));
      if (owner === undefined) continue;
      const own = processes.get(owner);
      if (own === undefined) processes.set(owner, [row]);
      else own.push(row);
    }
    return processes;
  }

  #tell(watched: Watched, processes: readonly ProcessRow[], atMs: number): void {
    const cpuMs = processes.reduce((sum, row) => sum + row.cpuMs, 0);
    const { last } = watched;
    const first = watched.roots[0]?.pid ?? processes[0]?.pid;
    const throttling = first === undefined ? undefined : this.deps.throttling?.of(first);
    watched.last = { atMs, cpuMs, throttling };
    if (last === undefined || atMs <= last.atMs) return;
    // The time of an ended child that nobody waited for is lost with it, so the sum can fall.
    const cores = Math.max(0, cpuMs - last.cpuMs) / (atMs - last.atMs);
    const asked = watched.cpu > 0 ? watched.cpu : (this.deps.mhzPerCore ?? 1000);
    const memoryBytes = processes.reduce((sum, row) => sum + row.memoryBytes, 0);
    const cpu = (cores * (this.deps.mhzPerCore ?? 1000)) / asked;
    watched.report({ kind: "usage", cpu, memoryBytes, throttled: throttledShare(last.throttling, throttling) });
  }
}

/** Of the periods since the last look; undefined where there was none, or the group is another. */
function throttledShare(before: Throttling | undefined, now: Throttling | undefined): number | undefined {
  if (!before || !now || now.periods <= before.periods) return undefined;
  return Math.max(0, now.throttled - before.throttled) / (now.periods - before.periods);
}
