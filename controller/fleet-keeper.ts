import { z } from "zod";
import type { Logger } from "pino";
import { HttpStatusError } from "../clients/http-json";
import type { Clock } from "../protocol/clock";
import type { FleetRecord, Kept } from "./core/kept-fleets";
import type { EndingRecord } from "./core/kept-endings";
import type { NodeRecord } from "./core/kept-nodes";
import type { SharedDocument } from "./document";

/** What is kept: by the leader of which epoch, and what it decided. */
export interface KeptFleets extends Kept {
  readonly epoch: number;
}

const AGAIN_MS = 500;

/** As far as the core relies on it; settings that an earlier version of Forge did not have are filled in there. */
const recordSchema = z.looseObject({
  version: z.string().min(1),
  rollout: z
    .looseObject({
      from: z.string(),
      to: z.string(),
      share: z.number().gt(0).max(1),
      paused: z.boolean(),
      startedAtMs: z.number(),
      upSinceMs: z.number().nullable(),
      failures: z.number(),
      reason: z.string(),
    })
    .nullable(),
  lastRollout: z.looseObject({ from: z.string(), to: z.string() }).nullable(),
  policy: z.looseObject({}),
  desired: z.number().nullable(),
  advice: z
    .record(z.string(), z.looseObject({ scale: z.boolean(), replicas: z.number(), atMs: z.number() }).nullable())
    .optional(),
  entry: z.looseObject({ version: z.string(), scaling: z.looseObject({}) }),
  former: z.looseObject({ version: z.string() }).nullable(),
});
const nodeSchema = z.looseObject({
  timesIsolated: z.int().min(0),
  lastIsolatedMs: z.number(),
  isolation: z.looseObject({ sinceMs: z.number(), untilMs: z.number(), reason: z.string() }).nullable(),
});
const endingSchema = z.looseObject({
  kind: z.enum(["terminate", "defragment"]),
  moveAtMs: z.number(),
  reason: z.string(),
});
/** Earlier versions of Forge kept nothing of nodes, nor of servers that are to end. */
const keptSchema = z.looseObject({
  epoch: z.number(),
  fleets: z.record(z.string(), z.unknown()),
  nodes: z.record(z.string(), z.unknown()).default({}),
  endings: z.record(z.string(), z.unknown()).default({}),
});
const NOTHING: KeptFleets = { epoch: 0, fleets: {}, nodes: {}, endings: {} };

export interface FleetKeeperDeps {
  readonly document: SharedDocument<KeptFleets>;
  readonly clock: Clock;
  readonly log: Pick<Logger, "warn" | "error" | "info">;
  readonly onRead: (epoch: number, kept: Kept) => void;
  readonly onKept: (seq: number, failure?: string) => void;
  /** A leader of a higher epoch has written: this one leads no more. */
  readonly onOutrun: (seenEpoch: number) => void;
}

/**
 * Keeps what a leader decides of its fleets and nodes for the next one. Each leader begins by writing its epoch into what it found; all
 * writes are by check-and-set and refused where a higher epoch stands, so one that was replaced changes nothing.
 */
export class FleetKeeper {
  private epoch: number | undefined;
  private due: { readonly seq: number; readonly kept: Kept } | undefined;
  private busy = false;
  private troubled = false;
  private cancel: () => void = () => undefined;

  constructor(private readonly deps: FleetKeeperDeps) {}

  /** This controller begins to lead: what was kept is read, until it is. */
  lead(epoch: number): void {
    this.stop();
    this.epoch = epoch;
    void this.take(epoch);
  }

  /** It leads no more: nothing is written from now on but what is on its way. */
  stop(): void {
    this.epoch = undefined;
    this.due = undefined;
    this.cancel();
  }

  /** The newest of what waits is written, as soon as can be. */
  keep(seq: number, kept: Kept): void {
    if (this.epoch === undefined) return;
    this.due = { seq, kept };
    if (!this.busy) void this.writeDue(this.epoch);
  }

  private async take(epoch: number): Promise<void> {
    try {
      const kept = await this.update(epoch, (found) => found);
      if (this.epoch !== epoch) return;
      this.wellAgain();
      if (kept) this.deps.onRead(epoch, kept);
    } catch (error) {
      this.failed(epoch, error, () => {
        // With the rights of an earlier deployment no later try helps: the leader goes on without.
        if (isForbidden(error)) this.deps.onRead(epoch, NOTHING);
        else void this.take(epoch);
      });
    }
  }

  private async writeDue(epoch: number): Promise<void> {
    const { due } = this;
    if (!due) return;
    this.busy = true;
    try {
      const kept = await this.update(epoch, () => due.kept);
      this.busy = false;
      if (this.epoch !== epoch || !kept) return this.goOn();
      this.wellAgain();
      if (this.due === due) this.due = undefined;
      this.deps.onKept(due.seq);
      this.goOn();
    } catch (error) {
      this.busy = false;
      if (this.epoch !== epoch) return this.goOn();
      this.deps.onKept(due.seq, `${this.deps.document.place}: ${(error as Error).message}`);
      this.failed(epoch, error, () => this.goOn());
    }
  }

  private goOn(): void {
    if (this.due && !this.busy && this.epoch !== undefined) void this.writeDue(this.epoch);
  }

  /** Undefined where another leads by now. */
  private async update(epoch: number, change: (kept: Kept) => Kept): Promise<Kept | undefined> {
    const { document, onOutrun } = this.deps;
    while (this.epoch === epoch) {
      const stored = await document.read();
      const { epoch: written, ...found } = this.parse(stored?.value);
      if (written > epoch) {
        if (this.epoch === epoch) onOutrun(written);
        return undefined;
      }
      const kept = change(found);
      if ((await document.write({ ...kept, epoch }, stored?.revision ?? 0)) !== undefined) return kept;
    }
    return undefined;
  }

  /** What cannot be read is as good as nothing, but said: a leader must not fail by it. */
  private parse(value: unknown): KeptFleets {
    if (value === undefined || value === null) return NOTHING;
    const { place } = this.deps.document;
    const read = keptSchema.safeParse(value);
    if (!read.success) {
      this.deps.log.error({ err: read.error, place }, "what was kept of rollouts, policies and nodes cannot be read");
      return NOTHING;
    }
    const { epoch, fleets, nodes, endings } = read.data;
    return {
      epoch,
      fleets: this.readable<FleetRecord>(fleets, recordSchema),
      nodes: this.readable<NodeRecord>(nodes, nodeSchema),
      endings: this.readable<EndingRecord>(endings, endingSchema),
    };
  }

  /** One that cannot be read does not spoil the others. `T`: what the schema holds as much of as the core relies on. */
  private readable<T>(records: Readonly<Record<string, unknown>>, schema: z.ZodType): Record<string, T> {
    const { place } = this.deps.document;
    const good = Object.entries(records).filter(([of, record]) => {
      const { error } = schema.safeParse(record);
      if (error) this.deps.log.error({ err: error, place, of }, "what was kept of it cannot be read");
      return !error;
    });
    return Object.fromEntries(good) as Record<string, T>;
  }

  private failed(epoch: number, error: unknown, again: () => void): void {
    if (this.epoch !== epoch) return;
    const { document, log, clock } = this.deps;
    if (!this.troubled && isForbidden(error))
      log.error(
        { err: error, place: document.place },
        "this controller may not keep rollouts and policies there, so the next leader will not know of them: deploy the region's consul stack again",
      );
    else if (!this.troubled)
      log.warn({ err: error, place: document.place }, "rollouts and policies cannot be kept; trying on");
    this.troubled = true;
    this.cancel = clock.after(AGAIN_MS, again);
  }

  private wellAgain(): void {
    if (this.troubled) this.deps.log.info({ place: this.deps.document.place }, "rollouts and policies are kept again");
    this.troubled = false;
  }
}

function isForbidden(error: unknown): boolean {
  return error instanceof HttpStatusError && error.status === 403;
}
