import type { NomadClient } from "../../../clients/nomad";
import type { NomadEventBatch } from "../../../clients/nomad-events";
import type { Clock } from "../../../protocol/clock";
import { pause } from "./nomad-trouble";

export interface FollowerDeps {
  readonly client: Pick<NomadClient, "events">;
  readonly clock: Clock;
  /** 0 to 1, for jitter. */
  readonly random: () => number;
  /** The stream is open: everything that it did not say is to be looked up. Rejects: the stream is opened anew. */
  readonly onOpen: () => Promise<void>;
  readonly onBatch: (batch: NomadEventBatch) => Promise<void>;
  readonly onLost: (error: unknown, pauseMs: number) => void;
}

const TOPICS = ["Job", "Allocation", "Evaluation", "Node"];
/** Nomad sends a heartbeat at least every 30 s: longer silence is a connection that nobody told us is gone. */
const IDLE_MS = 45_000;
const PAUSE_MS = { first: 200, most: 10_000 };
/** A stream that lived so long was a good one: the next is tried at once again. */
const PROVEN_MS = 30_000;

/**
 * Keeps one event stream open. Each time it opens, events are put by until `onOpen` has looked at everything: Nomad's
 * buffer is short, so what happened between two streams is found by looking alone.
 */
export class Follower {
  private readonly ending = new AbortController();
  private readonly ended: Promise<void>;

  constructor(private readonly deps: FollowerDeps) {
    this.ended = this.run();
  }

  async close(): Promise<void> {
    this.ending.abort();
    await this.ended;
  }

  private async run(): Promise<void> {
    const { clock, random, onLost } = this.deps;
    let wait = PAUSE_MS.first;
    while (!this.closing()) {
      const openedAtMs = clock.now();
      const error = await this.stream().catch((reason: unknown) => reason);
      if (this.closing()) return;
      if (clock.now() - openedAtMs > PROVEN_MS) wait = PAUSE_MS.first;
      const pauseMs = wait * (0.5 + random() / 2);
      onLost(error ?? new Error("Nomad ended the event stream"), pauseMs);
      await Promise.race([pause(clock, pauseMs), this.closed()]);
      wait = Math.min(PAUSE_MS.most, wait * 2);
    }
  }

  /** One stream from its opening to its end. */
  private async stream(): Promise<void> {
    const over = new AbortController();
    const abort = (): void => over.abort(this.ending.signal.reason);
    this.ending.signal.addEventListener("abort", abort, { once: true });
    const waiting: NomadEventBatch[] = [];
    let handling: Promise<void> | undefined;
    let watchdog = this.watch(over);
    const work = async (): Promise<void> => {
      await this.deps.onOpen();
      for (;;) {
        for (let batch = waiting.shift(); batch; batch = waiting.shift()) await this.deps.onBatch(batch);
        if (over.signal.aborted) return;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    };
    let wake = (): void => undefined;
    over.signal.addEventListener("abort", () => wake(), { once: true });
    try {
      for await (const batch of this.deps.client.events(TOPICS, over.signal)) {
        watchdog();
        watchdog = this.watch(over);
        waiting.push(batch);
        handling ??= work().catch((error: unknown) => over.abort(error));
        wake();
      }
    } catch (error) {
      // What ended it on our side says more than that it was ended.
      throw over.signal.aborted ? over.signal.reason : error;
    } finally {
      watchdog();
      this.ending.signal.removeEventListener("abort", abort);
      over.abort(new Error("Nomad ended the event stream"));
      await handling;
    }
  }

  private watch(over: AbortController): () => void {
    const silent = new Error(`Nomad's event stream was silent for ${String(IDLE_MS / 1000)} s`);
    return this.deps.clock.after(IDLE_MS, () => over.abort(silent));
  }

  private closing(): boolean {
    return this.ending.signal.aborted;
  }

  private closed(): Promise<void> {
    return new Promise((resolve) => this.ending.signal.addEventListener("abort", () => resolve(), { once: true }));
  }
}
