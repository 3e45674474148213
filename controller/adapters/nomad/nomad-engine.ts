import type { NomadClient } from "../../../clients/nomad";
import { HttpStatusError } from "../../../clients/http-json";
import type { NomadAllocation } from "../../../clients/nomad-answers";
import type { NomadEvent, NomadEventBatch } from "../../../clients/nomad-events";
import {
  EngineError,
  type Engine,
  type EngineEvent,
  type EngineServer,
  type LogOptions,
  type ServerLaunch,
  type StopRequest,
} from "../../engine";
import { Follower } from "./follower";
import { allocationLogs } from "./allocation-logs";
import { Changes } from "./changes";
import { Nodes } from "./nodes";
import type { NomadEngineConfig } from "./nomad-config";
import { asEngineError, retried } from "./nomad-trouble";
import type { NomadWorld } from "./nomad-world";
import { checkImages, dispatchMeta, parentJobId, ParentJobs } from "./parent-jobs";
import { Purge } from "./purge";
import { ServerBook, serverJobPrefix } from "./server-book";
import { taskNamesOf } from "./server-record";
import { Stops } from "./stops";

export interface NomadEngineDeps extends NomadWorld {
  readonly client: NomadClient;
  /** The engine was the client's only user. */
  readonly onClose?: () => Promise<void>;
}

/** Servers that appear within this time are told by one resync. */
const RESYNC_AFTER_MS = 250;

type Settings = Pick<NomadEngineConfig, "address" | "publicAddress" | "purgeAfterSecs">;

/**
 * Game servers as dispatched batch jobs of a real Nomad: one job, one allocation, never replaced. It holds no state that
 * Nomad does not: after a restart it knows the same from one look, and two of them beside each other do no harm.
 */
export class NomadEngine implements Engine {
  readonly kind = "nomad";
  /** A dispatch carries no constraints, and a node's eligibility or metadata would need `node { policy = "write" }`. */
  readonly avoidsNodes = false;
  private readonly listeners = new Set<(event: EngineEvent) => void>();
  private readonly changes = new Changes();
  private readonly nodes: Nodes;
  private readonly book: ServerBook;
  private readonly parents: ParentJobs;
  private readonly purge: Purge;
  private readonly stops: Stops;
  private readonly starting = new Map<string, Promise<void>>();
  private readonly follower: Follower;
  /** Whether the book says what Nomad does, but for what the open stream is about to tell. */
  private synced = false;
  private syncing: Promise<void> | undefined;
  private everSynced = false;
  private closed = false;
  /** Servers that this engine's owner has started or was told of by a list. */
  private readonly known = new Set<string>();
  private cancelResync: (() => void) | undefined;

  constructor(
    private readonly settings: Settings,
    private readonly deps: NomadEngineDeps,
  ) {
    const { client, clock, random, region, log } = deps;
    this.nodes = new Nodes(settings.publicAddress);
    this.parents = new ParentJobs(client);
    this.book = new ServerBook({
      region,
      addressOf: (allocation) => this.nodes.addressOf(allocation),
      tell: (event) => this.tell(event),
      drop: (jobId, reason) => this.drop(jobId, reason),
      onChange: (serverId) => this.changes.happened(serverId),
      onRemove: (serverId) => void this.known.delete(serverId),
    });
    this.purge = new Purge({
      client,
      clock,
      book: this.book,
      afterMs: settings.purgeAfterSecs * 1000,
      onError: (error, serverId) =>
        log.warn({ err: error, serverId }, "an ended server is still in Nomad; tried again"),
    });
    this.stops = new Stops({ client, clock, retry: (call) => retried(call, deps) });
    this.follower = new Follower({
      client,
      clock,
      random,
      onOpen: () => this.onOpen(),
      onBatch: (batch) => this.onBatch(batch),
      onLost: (error, pauseMs) => {
        this.synced = false;
        const { message } = asEngineError(error, settings.address);
        log.warn({ again: Math.round(pauseMs) }, `not following Nomad's events: ${message}`);
      },
    });
  }

  async start(launch: ServerLaunch): Promise<void> {
    const { serverId } = launch;
    this.known.add(serverId);
    const before = this.book.get(serverId);
    if (before !== undefined && !before.forgotten) return;
    const starting = this.starting.get(serverId) ?? this.dispatch(launch).finally(() => this.starting.delete(serverId));
    this.starting.set(serverId, starting);
    await this.told(starting);
  }

  async stop(serverId: string, how: StopRequest): Promise<void> {
    await this.told(this.ready());
    await this.starting.get(serverId)?.catch(() => undefined);
    const record = this.book.get(serverId);
    if (record !== undefined && record.told !== "ended") await this.told(this.stops.stop(record, how));
  }

  async list(): Promise<readonly EngineServer[]> {
    await this.told(this.ready());
    // A controller that has only just learned what runs has to hear as well what is out of reach.
    this.deps.clock.after(0, () => this.nodes.down().forEach((event) => this.tell(event)));
    const listed = [...this.book.all()].filter(({ forgotten, allocation }) => !forgotten && allocation !== undefined);
    for (const { serverId } of listed) this.known.add(serverId);
    return listed.map((record) => this.book.view(record));
  }

  async forget(serverId: string): Promise<void> {
    const record = this.book.get(serverId);
    if (record === undefined || record.told !== "ended") return;
    record.forgotten = true;
    await this.told(this.purge.now(record));
  }

  subscribe(listener: (event: EngineEvent) => void): () => void {
    // Wrapped, so that each subscription ends for itself alone.
    const own = (event: EngineEvent): void => listener(event);
    this.listeners.add(own);
    return () => void this.listeners.delete(own);
  }

  tasks(serverId: string): Promise<readonly string[] | undefined> {
    const record = this.book.get(serverId);
    return Promise.resolve(record && taskNamesOf(record));
  }

  async *logs(serverId: string, options: LogOptions): AsyncGenerator<string> {
    const { client, clock } = this.deps;
    const record = () => this.book.get(serverId);
    try {
      yield* allocationLogs({ client, clock, record, changes: this.changes, serverId }, options);
    } catch (error) {
      if (options.signal?.aborted !== true) throw asEngineError(error, this.settings.address);
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    this.listeners.clear();
    this.cancelResync?.();
    this.purge.close();
    this.stops.close();
    this.changes.close();
    await this.follower.close();
    await this.deps.onClose?.();
  }

  private async dispatch(launch: ServerLaunch): Promise<void> {
    const { client } = this.deps;
    const { serverId } = launch;
    this.checkVolumes(launch);
    const parent = await retried(() => this.parents.of(launch), this.deps);
    checkImages(launch, parent);
    const request = { meta: dispatchMeta(launch, parent), token: serverId, prefix: serverId };
    // Safe to repeat: the token makes the second the first.
    const answer = await retried(() => client.dispatch(parent.id, request), this.deps).catch((error: unknown) => {
      this.parents.changed(parentJobId(launch));
      if (error instanceof HttpStatusError && /metadata|meta keys|parameterized job/.test(error.text))
        throw new EngineError("engineUnavailable", `${error.message}; deploy the stack ${launch.region}-jobs`);
      throw error;
    });
    // Without an evaluation it was dispatched before, so its events have passed: what it is now has to be looked up.
    await this.look(answer.jobId, answer.evaluationId === "");
  }

  /** Takes in a job that the stream may not have told of. */
  private async look(jobId: string, fully: boolean): Promise<void> {
    const { client } = this.deps;
    if (!fully && this.book.knows(jobId)) return;
    const [job, allocations, evaluations] = await retried(
      () => Promise.all([client.job(jobId), client.jobAllocations(jobId), client.jobEvaluations(jobId)]),
      this.deps,
    );
    if (job === undefined) return;
    await this.knowNodesOf(allocations);
    this.book.onJob(job, allocations);
    for (const evaluation of evaluations) this.book.onEvaluation(evaluation);
  }

  /** A volume has one server at a time. Nomad sees to that for its dynamic host volumes, but it cannot say who has it. */
  private checkVolumes({ serverId, experienceId, volumes, role }: ServerLaunch): void {
    const names = Object.keys(volumes);
    if (names.length === 0) return;
    for (const record of this.book.all()) {
      const { experienceId: other, role: otherRole } = record.job.meta;
      if (record.told === "ended" || record.serverId === serverId || other !== experienceId || otherRole !== role)
        continue;
      throw new EngineError(
        "volumeBusy",
        `volume ${names.join(", ")} of ${experienceId} is held by ${record.serverId}`,
      );
    }
  }

  /** Resolves when the book says what Nomad does. @throws what a look at Nomad throws */
  private ready(): Promise<void> {
    return this.synced ? Promise.resolve() : this.sync();
  }

  private async onOpen(): Promise<void> {
    await this.sync();
    this.synced = true;
    if (this.everSynced) this.tell({ type: "resync" });
    this.everSynced = true;
    this.deps.log.info({ servers: [...this.book.all()].length }, "following Nomad's events");
  }

  private sync(): Promise<void> {
    return (this.syncing ??= this.lookAtAll().finally(() => (this.syncing = undefined)));
  }

  private async lookAtAll(): Promise<void> {
    const { client, region } = this.deps;
    const before = this.book.now();
    const prefix = serverJobPrefix(region);
    const [jobs, allocations, evaluations, nodes] = await retried(
      () => Promise.all([client.jobs(prefix), client.allocations(prefix), client.blockedEvaluations(), client.nodes()]),
      this.deps,
    );
    if (this.closed) return;
    for (const node of nodes) this.knowNode(node, false);
    await this.knowNodesOf(allocations);
    this.book.onListing({ jobs, allocations, evaluations }, before);
    this.purge.wake();
  }

  private async onBatch({ events }: NomadEventBatch): Promise<void> {
    for (const event of events) await this.onEvent(event);
  }

  private async onEvent(event: NomadEvent): Promise<void> {
    switch (event.topic) {
      case "job":
        if (this.book.isServerJobId(event.job.id)) this.book.onJob(event.job);
        else this.parents.changed(event.job.id);
        return;
      case "allocation":
        return this.onAllocation(event.allocation);
      case "evaluation":
        return this.book.onEvaluation(event.evaluation);
      case "node":
        return this.knowNode(event.node, true);
    }
  }

  private async onAllocation(allocation: NomadAllocation): Promise<void> {
    if (!this.book.isServerJobId(allocation.jobId)) return;
    await this.knowNodesOf([allocation]);
    if (this.book.onAllocation(allocation)) return;
    // Purged meanwhile where there is none.
    const job = await retried(() => this.deps.client.job(allocation.jobId), this.deps);
    if (job === undefined) return;
    this.book.onJob(job, [allocation]);
  }

  private async knowNodesOf(allocations: readonly NomadAllocation[]): Promise<void> {
    const unknown = new Set(allocations.map(({ nodeId }) => nodeId).filter((id) => this.nodes.lacks(id)));
    for (const id of unknown) this.knowNode(await retried(() => this.deps.client.node(id), this.deps), true);
  }

  private knowNode(node: Parameters<Nodes["know"]>[0], detailed: boolean): void {
    const event = this.nodes.know(node, detailed);
    if (event) this.tell(event);
  }

  private drop(jobId: string, reason: string): void {
    this.deps.log.info({ jobId, reason }, "taking a job back");
    retried(() => this.deps.client.deregister(jobId, false), this.deps).catch((error: unknown) =>
      this.deps.log.warn({ err: error, jobId }, "a job could not be taken back"),
    );
  }

  private tell(event: EngineEvent): void {
    if (event.type === "exited") this.purge.wake();
    for (const listener of [...this.listeners]) listener(event);
    if (event.type === "placed" && !this.known.has(event.server.serverId)) this.resyncSoon();
  }

  /** A server that another controller started, or that waited for its place since before a restart: a list tells all of it. */
  private resyncSoon(): void {
    this.cancelResync ??= this.deps.clock.after(RESYNC_AFTER_MS, () => {
      this.cancelResync = undefined;
      this.tell({ type: "resync" });
    });
  }

  private async told<T>(work: Promise<T>): Promise<T> {
    return work.catch((error: unknown) => {
      throw asEngineError(error, this.settings.address);
    });
  }
}
