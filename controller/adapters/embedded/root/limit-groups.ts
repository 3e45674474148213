import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describePlan, type LimitsPlan, type ResourcePlan } from "../limits";
import type { LimitsDescription } from "../root-protocol";

/** A new group's default weight, 1024 shares, in MHz. */
const DEFAULT_MHZ = 1000;
const CLOSE_TRIES = 150;
const CLOSE_STEP_MS = 20;
const MIB = 1024 * 1024;

/** The control groups of one run: one folder for all of it in each hierarchy in use, and in that one for each task. */
export class LimitGroups {
  private readonly tops: readonly Top[];
  private cpuAsked = 0;
  private made = 0;
  private stale: string[] = [];

  private constructor(
    private readonly plan: LimitsPlan,
    private readonly runId: string,
    private readonly platform: string,
  ) {
    const folders = [plan.cpu, plan.memory].flatMap((resource) => (resource.by === "group" ? [resource.folder] : []));
    this.tops = [...new Set(folders)].map((parent) => ({ parent, folder: topOf(parent, runId) }));
  }

  /** Makes the run's folders. Where that fails it goes on without, and `description` says why. */
  static open(wanted: LimitsPlan, runId: string, platform: string): LimitGroups {
    const { vacate } = wanted;
    const cpu = openTop(wanted.cpu, runId, vacate);
    const memory = openTop(wanted.memory, runId, vacate);
    return new LimitGroups({ cpu, memory, vacate }, runId, platform);
  }

  /** The groups of a run whose root was killed: for what is in them, and to remove them. */
  static leftBy(runId: string, plan: LimitsPlan, platform: string): LimitGroups {
    return new LimitGroups(plan, runId, platform);
  }

  get description(): LimitsDescription {
    return describePlan(this.plan, this.platform);
  }

  /** Whether memory limits are kept by the kernel; otherwise somebody must look. */
  get limitsMemory(): boolean {
    return this.plan.memory.by === "group";
  }

  /**
   * Groups for one task. Undefined where there are none to be had.
   * @param cpu MHz, 0: none asked for
   * @param memory MiB, 0: none asked for
   */
  create(cpu: number, memory: number): TaskGroup | undefined {
    if (this.tops.length === 0) return undefined;
    this.stale = this.stale.filter((folder) => !removeFolder(folder));
    this.made += 1;
    const name = `${this.made}`;
    const folders = this.tops.map((top) => join(top.folder, name));
    try {
      for (const folder of folders) mkdirSync(folder);
      this.setLimits(name, cpu, memory);
    } catch {
      this.remove(folders);
      return undefined;
    }
    // One that asked for nothing has its group's default weight, and the whole must weigh that much more with it.
    const weight = cpu > 0 ? cpu : DEFAULT_MHZ;
    this.weigh(weight);
    return new TaskGroup(folders, this.memoryEventFile(name), () => {
      this.remove(folders);
      this.weigh(-weight);
    });
  }

  /** Every process in the run's groups: also those that left their process group or cleared their environment. */
  members(): number[] {
    return this.tops.flatMap(({ folder }) => readTree(folder));
  }

  /** Removes the folders. A killed process keeps its own for a moment; what is still in use after 3 s stays. */
  async close(): Promise<void> {
    for (let tries = 0; tries < CLOSE_TRIES; tries += 1) {
      if (this.tops.map((top) => this.removeTop(top)).every(Boolean)) return;
      await sleep(CLOSE_STEP_MS);
    }
  }

  private removeTop({ folder, parent }: Top): boolean {
    for (const name of subfolders(folder)) removeFolder(join(folder, name));
    const self = selfOf(parent, this.runId);
    for (const pid of readPids(self)) writeQuietly(join(parent, "cgroup.procs"), `${pid}`);
    return removeFolder(self) && removeFolder(folder);
  }

  private setLimits(name: string, mhz: number, mib: number): void {
    const { cpu, memory } = this.plan;
    if (cpu.by === "group" && mhz > 0) setCpu(cpu.version, join(topOf(cpu.folder, this.runId), name), mhz);
    if (memory.by === "group" && mib > 0) setMemory(memory.version, join(topOf(memory.folder, this.runId), name), mib);
  }

  /** A folder goes only once its last process was reaped; what does not go yet is tried again later. */
  private remove(folders: readonly string[]): void {
    this.stale.push(...folders.filter((folder) => !removeFolder(folder)));
  }

  private memoryEventFile(name: string): string | undefined {
    const { memory } = this.plan;
    if (memory.by === "nothing") return undefined;
    return join(topOf(memory.folder, this.runId), name, memory.version === 1 ? "memory.oom_control" : "memory.events");
  }

  /** All servers together weigh what they asked for together: a group counts as one process to those outside it. */
  private weigh(change: number): void {
    this.cpuAsked += change;
    const { cpu } = this.plan;
    if (cpu.by === "group") setCpuQuietly(cpu.version, topOf(cpu.folder, this.runId), this.cpuAsked);
  }
}

interface Top {
  readonly parent: string;
  readonly folder: string;
}

function topOf(parent: string, runId: string): string {
  return join(parent, `forge-${runId}`);
}

/** Version 2: where the processes go that were in the parent, among them root itself. */
function selfOf(parent: string, runId: string): string {
  return join(parent, `forge-${runId}-self`);
}

function openTop(plan: ResourcePlan, runId: string, vacate: boolean): ResourcePlan {
  if (plan.by === "nothing") return plan;
  const top = topOf(plan.folder, runId);
  try {
    makeFolder(top);
    if (plan.version === 2) handDown(plan.folder, runId, vacate);
    return plan;
  } catch (error) {
    removeFolder(top);
    return { by: "nothing", why: `groups below ${plan.folder} could not be made (${(error as Error).message})` };
  }
}

/** Version 2 hands controllers down only from a group that has no processes of its own. */
function handDown(parent: string, runId: string, vacate: boolean): void {
  const self = selfOf(parent, runId);
  if (vacate) {
    makeFolder(self);
    for (const pid of readPids(parent)) writeQuietly(join(self, "cgroup.procs"), `${pid}`);
  }
  writeFileSync(join(parent, "cgroup.subtree_control"), "+cpu +memory");
  writeFileSync(join(topOf(parent, runId), "cgroup.subtree_control"), "+cpu +memory");
}

export class TaskGroup {
  constructor(
    private readonly folders: readonly string[],
    private readonly memoryEventFile: string | undefined,
    private readonly onRemove: () => void,
  ) {}

  /** A process that writes 0 into each is in the group. */
  get entrances(): readonly string[] {
    return this.folders.map((folder) => join(folder, "cgroup.procs"));
  }

  members(): number[] {
    return this.folders.flatMap(readPids);
  }

  /** How many processes the kernel killed in here for want of memory. */
  oomKills(): number {
    if (this.memoryEventFile === undefined) return 0;
    const text = readQuietly(this.memoryEventFile);
    return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
  }

  remove(): void {
    this.onRemove();
  }
}

function setCpu(version: 1 | 2, folder: string, mhz: number): void {
  if (version === 1) writeFileSync(join(folder, "cpu.shares"), `${within((mhz * 1024) / 1000, 2, 262_144)}`);
  else writeFileSync(join(folder, "cpu.weight"), `${within(mhz / 10, 1, 10_000)}`);
}

function setCpuQuietly(version: 1 | 2, folder: string, mhz: number): void {
  try {
    setCpu(version, folder, mhz);
  } catch {
    // the weight of the whole is a nicety; the tasks' own shares stand
  }
}

function setMemory(version: 1 | 2, folder: string, mib: number): void {
  const bytes = `${Math.round(mib) * MIB}`;
  if (version === 2) {
    writeFileSync(join(folder, "memory.max"), bytes);
    writeQuietly(join(folder, "memory.swap.max"), "0");
    writeQuietly(join(folder, "memory.oom.group"), "1");
    return;
  }
  writeFileSync(join(folder, "memory.limit_in_bytes"), bytes);
  const swap = join(folder, "memory.memsw.limit_in_bytes");
  if (existsSync(swap)) writeQuietly(swap, bytes);
}

function within(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, Math.round(value)));
}

function readTree(folder: string): number[] {
  return [...readPids(folder), ...subfolders(folder).flatMap((name) => readPids(join(folder, name)))];
}

function readPids(folder: string): number[] {
  return readQuietly(join(folder, "cgroup.procs")).split("\n").filter(Boolean).map(Number);
}

function readQuietly(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function writeQuietly(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch {
    // gone, or refused: the caller goes on without
  }
}

function subfolders(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return [];
  }
}

/** Not `recursive`: where the kernel says that a folder cannot be, Node would try for ever. */
function makeFolder(folder: string): void {
  if (!existsSync(folder)) mkdirSync(folder);
}

/** False where it is still there because something is in it. */
function removeFolder(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
}
