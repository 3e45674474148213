import type { NomadAllocation, NomadEvaluation, NomadJob } from "../../../clients/nomad-answers";
import { allStarted, exitOf, hasDeadTask, hasEnded, hasStarted, startFailure } from "./exit";
import { placementProblem } from "./placement-words";
import { engineServer, type ServerRecord } from "./server-record";
import type { EngineEvent, EngineServer } from "../../engine";

export interface ServerBookDeps {
  readonly region: string;
  readonly addressOf: (allocation: NomadAllocation) => string;
  readonly tell: (event: EngineEvent) => void;
  /** A job that has to go: it can never start, one of its tasks is over, or another has the same server. */
  readonly drop: (jobId: string, reason: string) => void;
  /** Something about this server has changed. */
  readonly onChange: (serverId: string) => void;
  readonly onRemove: (serverId: string) => void;
}

interface PortHolder {
  readonly serverId: string;
  readonly port: number;
}

/** Everything that one look at Nomad found. */
export interface Listing {
  readonly jobs: readonly NomadJob[];
  readonly allocations: readonly NomadAllocation[];
  readonly evaluations: readonly NomadEvaluation[];
}

/**
 * The region's game servers as Nomad's answers tell of them, in whatever order and however often these come: an answer
 * that is older than what is known changes nothing. What is new is told, once.
 *
 *     nothing ── allocation ──> placed ── every task started ──> running ── nothing runs any more ──> ended
 *        │                        └──────────── no task could be started ("blocked", final) ───────────┤
 *        └── no place ("blocked": again where the reason changes; final: its job is dropped) ──────────┘
 *
 * `unknown`, a node out of reach, is no end; an allocation that is back from it is the same one.
 */
export class ServerBook {
  private readonly byServer = new Map<string, ServerRecord>();
  private readonly byJob = new Map<string, ServerRecord>();
  private clock = 0;

  constructor(private readonly deps: ServerBookDeps) {}

  get(serverId: string): ServerRecord | undefined {
    return this.byServer.get(serverId);
  }

  knows(jobId: string): boolean {
    return this.byJob.has(jobId);
  }

  all(): Iterable<ServerRecord> {
    return this.byServer.values();
  }

  view(record: ServerRecord): EngineServer {
    return engineServer(record, this.deps.addressOf);
  }

  /** What `onListing` needs of the moment before the look. */
  now(): number {
    return this.clock;
  }

  /** Whether a job is a game server of this region that Forge dispatched. */
  isOurs(job: NomadJob): boolean {
    return this.isServerJobId(job.id) && job.meta["region"] === this.deps.region && (job.meta["serverId"] ?? "") !== "";
  }

  /** The same by name alone: `REGION.gameserver.EXPERIENCE[.ROLE]/dispatch-SERVERID-TIME-RANDOM`. */
  isServerJobId(jobId: string): boolean {
    return jobId.startsWith(serverJobPrefix(this.deps.region)) && jobId.includes("/dispatch-");
  }

  /**
   * A job as the stream tells it, in order: an allocation that it had has been told of before it is dead. Where it was
   * asked for by itself, its allocations come along.
   */
  onJob(job: NomadJob, allocations: readonly NomadAllocation[] = []): void {
    const record = this.takeJob(job);
    for (const allocation of allocations) this.onAllocation(allocation);
    if (record !== undefined) this.endTakenBack(record);
  }

  /** @returns false where the allocation's job is not known yet; then `onJob` has to come first */
  onAllocation(allocation: NomadAllocation): boolean {
    if (!this.isServerJobId(allocation.jobId)) return true;
    const record = this.byJob.get(allocation.jobId);
    if (record === undefined) return false;
    const before = record.allocation;
    if (before !== undefined && before.id !== allocation.id && allocation.createIndex < before.createIndex) return true;
    if (before?.id === allocation.id && allocation.modifyIndex < before.modifyIndex) return true;
    // The stream's first word on an allocation lacks nothing, but a list without resources would.
    record.allocation = allocation.ports.length === 0 && before ? { ...allocation, ports: before.ports } : allocation;
    this.touch(record);
    this.tellAllocation(record, record.allocation);
    return true;
  }

  onEvaluation(evaluation: NomadEvaluation): void {
    const record = this.byJob.get(evaluation.jobId);
    if (record === undefined || record.allocation !== undefined || record.told === "ended" || record.job.stopped)
      return;
    // The finished evaluation and the blocked one that it left say the same.
    if (evaluation.status !== "blocked" && evaluation.status !== "failed") return;
    const failed = { code: "startFailed", reason: evaluation.description, final: false } as const;
    const problem = placementProblem(evaluation) ?? failed;
    if (record.blocked === problem.reason) return;
    record.blocked = problem.reason;
    this.touch(record);
    const { serverId } = record;
    if (problem.final) this.end(record, problem.reason);
    this.deps.tell({ type: "blocked", serverId, ...problem });
    if (problem.final) this.deps.drop(record.job.id, problem.reason);
  }

  /**
   * A whole look at Nomad: what it has is taken in, what it no longer has is gone.
   * @param before `now()` when the look began
   */
  onListing({ jobs, allocations, evaluations }: Listing, before: number): void {
    const told = new Set(jobs.map(({ id }) => id));
    for (const record of [...this.byServer.values()]) {
      if (told.has(record.job.id) || record.touched > before) continue;
      if (record.allocation === undefined) this.endUnplaced(record);
      else if (record.told !== "ended") this.endLost(record);
      this.remove(record);
    }
    const taken = jobs.map((job) => this.takeJob(job));
    for (const allocation of allocations) this.onAllocation(allocation);
    for (const record of taken) if (record !== undefined) this.endTakenBack(record);
    for (const evaluation of evaluations) this.onEvaluation(evaluation);
  }

  remove(record: ServerRecord): void {
    if (this.byServer.get(record.serverId) === record) this.byServer.delete(record.serverId);
    this.byJob.delete(record.job.id);
    this.deps.onChange(record.serverId);
    this.deps.onRemove(record.serverId);
  }

  private takeJob(job: NomadJob): ServerRecord | undefined {
    if (!this.isOurs(job)) return undefined;
    const record = this.byJob.get(job.id) ?? this.enter(job);
    if (record?.job.id !== job.id || job.modifyIndex < record.job.modifyIndex) return undefined;
    record.job = job;
    this.touch(record);
    return record;
  }

  /** Its order was taken back before it had a place. */
  private endTakenBack(record: ServerRecord): void {
    const { job, allocation } = record;
    if (job.stopped && job.status === "dead" && allocation === undefined) this.endUnplaced(record);
  }

  /** A server has one job. Of two that raced, the later goes; one that has ended gives way. */
  private enter(job: NomadJob): ServerRecord | undefined {
    const serverId = job.meta["serverId"] ?? "";
    const other = this.byServer.get(serverId);
    if (other !== undefined && other.told !== "ended" && !job.stopped) {
      const [keep, drop] = other.job.createIndex <= job.createIndex ? [other.job, job] : [job, other.job];
      this.deps.drop(drop.id, `server ${serverId} has job ${keep.id} already`);
      if (keep === other.job) return undefined;
    } else if (other !== undefined && other.job.createIndex > job.createIndex) return undefined;
    if (other !== undefined) this.byJob.delete(other.job.id);
    const record: ServerRecord = {
      serverId,
      job,
      allocation: undefined,
      told: "nothing",
      failure: undefined,
      blocked: undefined,
      endedAtMs: undefined,
      forgotten: false,
      touched: 0,
    };
    this.byServer.set(serverId, record);
    this.byJob.set(job.id, record);
    return record;
  }

  private tellAllocation(record: ServerRecord, allocation: NomadAllocation): void {
    const { tell, drop } = this.deps;
    if (record.told === "ended") return;
    const holder = record.told === "nothing" ? this.portHolder(record, allocation) : undefined;
    if (holder !== undefined) return this.refusePort(record, holder);
    if (record.told === "nothing") {
      record.told = "placed";
      tell({ type: "placed", server: this.view(record) });
    }
    const over = hasEnded(allocation);
    if (record.told === "placed" && (over ? hasStarted(allocation) : allStarted(allocation))) {
      record.told = "running";
      tell({ type: "running", server: this.view(record) });
    }
    if (hasDeadTask(allocation)) drop(record.job.id, "one of its tasks has ended");
    if (!over) return;
    const failure = startFailure(allocation);
    this.end(record, failure?.reason, allocation.modifiedAtMs);
    if (failure) tell({ type: "blocked", serverId: record.serverId, ...failure, final: true });
    else tell({ type: "exited", server: this.view(record), exit: exitOf(allocation) });
  }

  /**
   * Nomad gives a fixed port once for each address of a node, IPv4 and IPv6, but servers listen on all of them: of two with
   * the same port on a node the later cannot work.
   */
  private portHolder(record: ServerRecord, { nodeId, ports, createIndex }: NomadAllocation): PortHolder | undefined {
    const own = new Set(ports.map(({ value }) => value));
    for (const { serverId, told, allocation } of this.byServer.values()) {
      if (serverId === record.serverId || told === "ended" || allocation?.nodeId !== nodeId) continue;
      const shared = allocation.ports.find(({ value }) => own.has(value));
      if (shared !== undefined && allocation.createIndex < createIndex) return { serverId, port: shared.value };
    }
    return undefined;
  }

  private refusePort(record: ServerRecord, { serverId, port }: PortHolder): void {
    const reason = `port ${String(port)} is taken on its node by ${serverId}`;
    this.end(record, reason);
    this.deps.tell({ type: "blocked", serverId: record.serverId, code: "portTaken", reason, final: true });
    this.deps.drop(record.job.id, reason);
  }

  /** Its job went before it was given a place. */
  private endUnplaced(record: ServerRecord): void {
    if (record.told === "ended") return;
    this.end(record, undefined);
    this.tellExit(record, record.job.stopped);
  }

  /** Nomad has forgotten it while it ran: somebody purged its job. */
  private endLost(record: ServerRecord): void {
    this.end(record, undefined);
    this.tellExit(record, false);
  }

  private tellExit(record: ServerRecord, requested: boolean): void {
    const atMs = record.endedAtMs ?? 0;
    const exit = { task: "server", exitCode: undefined, signal: undefined, outOfMemory: false, requested, atMs };
    this.deps.tell({ type: "exited", server: { ...this.view(record), exit }, exit });
  }

  private end(record: ServerRecord, failure: string | undefined, atMs = record.job.submittedAtMs): void {
    record.told = "ended";
    record.failure = failure;
    record.endedAtMs = atMs;
    this.touch(record);
  }

  private touch(record: ServerRecord): void {
    record.touched = ++this.clock;
    this.deps.onChange(record.serverId);
  }
}

/** What the names of all jobs of a region's game servers begin with. */
export function serverJobPrefix(region: string): string {
  return `${region}.gameserver.`;
}
