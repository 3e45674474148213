import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { Clock } from "../../protocol/clock";

/** A task of a Nomad allocation and one of its processes. */
export interface AllocationTask {
  readonly allocationId: string;
  readonly task: string;
}

export interface FoundTask {
  readonly task: string;
  /** Its first process. */
  readonly pid: number;
}

export interface AllocationProcessesDeps {
  readonly clock: Clock;
  /** `/proc` but in tests. */
  readonly root?: string;
}

/** How often new processes are looked for while a server has none yet, and how often for those that may come later. */
const EAGER_MS = 100;
const CALM_MS = 2000;
/** After so many looks a process without an allocation is held to be somebody else's. */
const LOOKS = 10;

const ALLOCATION = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
/** Nomad's own control groups: `…/ALLOCATION.TASK` (version 1) and `…/ALLOCATION.TASK.scope` (version 2). */
const CONTROL_GROUP = new RegExp(`/(${ALLOCATION})\\.([^/\\n]+?)(?:\\.scope)?$`, "m");

interface Watched {
  readonly onFound: (found: FoundTask) => void;
  readonly seen: Set<string>;
}

/**
 * Finds the processes of Nomad's allocations on this node by their control group, else (a driver that makes its own) by
 * the environment that Nomad gave them. Each process is looked at once; a look for new ones reads names alone.
 */
export class AllocationProcesses {
  private readonly root: string;
  /** By pid, what the process that has it now belongs to; a number: none, at so many looks. */
  private known = new Map<number, AllocationTask | number>();
  private readonly watched = new Map<string, Watched>();
  private cancel: (() => void) | undefined;
  private everyMs = Infinity;

  constructor(private readonly deps: AllocationProcessesDeps) {
    this.root = deps.root ?? "/proc";
  }

  /**
   * Calls `onFound` for each task of an allocation when its first process is there, also one that is there now.
   * @returns ends it
   */
  watch(allocationId: string, onFound: (found: FoundTask) => void): () => void {
    const watched: Watched = { onFound, seen: new Set() };
    // Nobody looked for a while: a pid may be another process's by now.
    if (this.watched.size === 0) this.known.clear();
    this.watched.set(allocationId, watched);
    this.schedule(0);
    return () => {
      if (this.watched.get(allocationId) === watched) this.watched.delete(allocationId);
      if (this.watched.size > 0) return;
      this.cancel?.();
      this.cancel = undefined;
      this.everyMs = Infinity;
    };
  }

  /** The allocation that a process belongs to. Cheap for one that has been looked at. */
  of(pid: number): AllocationTask | undefined {
    const found = this.lookAt(pid, this.known.get(pid));
    this.known.set(pid, found);
    return typeof found === "number" ? undefined : found;
  }

  /**
   * The newest file of a task's output, as this node's own programs can open it.
   * @param pid one of the task's processes
   */
  logFile({ task, pid }: FoundTask): string | undefined {
    const folder = this.environment(pid)?.get("NOMAD_ALLOC_DIR");
    if (folder === undefined) return undefined;
    const start = `${task}.stdout.`;
    // In a chroot or a container the folder is another's; through the process it is found in any case.
    for (const logs of [`${folder}/logs`, `${this.root}/${String(pid)}/root${folder}/logs`]) {
      if (!existsSync(logs)) continue;
      const numbers = readdirSync(logs)
        .filter((name) => name.startsWith(start))
        .map((name) => Number(name.slice(start.length)))
        .filter(Number.isInteger);
      return `${logs}/${start}${String(Math.max(0, ...numbers))}`;
    }
    return undefined;
  }

  private schedule(afterMs: number): void {
    if (afterMs >= this.everyMs && this.cancel !== undefined) return;
    this.cancel?.();
    this.everyMs = afterMs;
    this.cancel = this.deps.clock.after(afterMs, () => {
      this.cancel = undefined;
      this.look();
      if (this.watched.size === 0) return;
      const eager = [...this.watched.values()].some(({ seen }) => seen.size === 0);
      this.schedule(eager ? EAGER_MS : CALM_MS);
    });
  }

  private look(): void {
    const known = new Map<number, AllocationTask | number>();
    for (const pid of this.pids()) {
      const found = this.lookAt(pid, this.known.get(pid));
      known.set(pid, found);
      if (typeof found === "number") continue;
      const watched = this.watched.get(found.allocationId);
      if (watched === undefined || watched.seen.has(found.task)) continue;
      watched.seen.add(found.task);
      watched.onFound({ task: found.task, pid });
    }
    this.known = known;
  }

  /** A new process is its parent's copy for a moment, before its driver has put it where it belongs. */
  private lookAt(pid: number, before: AllocationTask | number = 0): AllocationTask | number {
    if (typeof before !== "number" || before >= LOOKS) return before;
    return this.read(pid) ?? before + 1;
  }

  private pids(): number[] {
    return readdirSync(this.root)
      .map(Number)
      .filter((pid) => Number.isInteger(pid) && pid > 0)
      .sort((a, b) => a - b);
  }

  private read(pid: number): AllocationTask | undefined {
    const group = CONTROL_GROUP.exec(this.text(pid, "cgroup") ?? "");
    if (group !== null) return { allocationId: group[1] ?? "", task: group[2] ?? "" };
    const environment = this.environment(pid);
    const allocationId = environment?.get("NOMAD_ALLOC_ID");
    if (allocationId === undefined) return undefined;
    return { allocationId, task: environment?.get("NOMAD_TASK_NAME") ?? "" };
  }

  private environment(pid: number): ReadonlyMap<string, string> | undefined {
    const text = this.text(pid, "environ");
    if (text === undefined) return undefined;
    const own = text.split("\0").filter((line) => line.startsWith("NOMAD_"));
    return new Map(own.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
  }

  private text(pid: number, file: string): string | undefined {
    try {
      return readFileSync(`${this.root}/${String(pid)}/${file}`, "utf8");
    } catch {
      return undefined;
    }
  }
}
