import { createHmac } from "node:crypto";
import type { Clock } from "../protocol/clock";

/** One event on its way to one receiver. */
export interface WebhookEvent {
  /** The same for every attempt, different for every event of the run. */
  readonly id: string;
  readonly type: string;
  /** JSON, the same bytes for every attempt: the signature is over them. */
  readonly body: string;
  /** Events of one lane arrive in order: a later one waits until the one before has arrived or was given up. */
  readonly lane: string;
}

/** One HTTP POST. Resolves with the status, rejects where there was none. */
export type WebhookPost = (
  url: string,
  request: { readonly headers: Readonly<Record<string, string>>; readonly body: string; readonly signal: AbortSignal },
) => Promise<{ readonly status: number }>;

export interface WebhookQueueOptions {
  readonly url: string;
  readonly secret: string;
  readonly clock: Clock;
  /** 0 up to but not including 1. */
  readonly random: () => number;
  readonly post: WebhookPost;
  readonly onDropped: (event: WebhookEvent, reason: string) => void;
  /** Events that may wait; the oldest go first beyond that. */
  readonly capacity?: number;
}

export interface WebhookStats {
  readonly waiting: number;
  readonly delivered: number;
  readonly failedAttempts: number;
  readonly dropped: number;
}

/** Seconds before each further attempt: eight attempts in about ten minutes. */
const PAUSES_SECS = [1, 3, 10, 30, 90, 180, 300];
const TIMEOUT_MS = 5_000;
const CAPACITY = 2_000;
/** Requests under way to one receiver. */
const AT_ONCE = 8;

interface Entry {
  readonly event: WebhookEvent;
  attempts: number;
  sending: boolean;
  cancelPause: () => void;
}

/**
 * What waits for one receiver. A lane's first event is being sent, or paused between attempts; the others wait behind
 * it. Lanes do not wait for each other.
 *
 *     waiting --(first of its lane, fewer than 8 under way)--> sending --(2xx)--> delivered
 *        ^                                                       |
 *        +------------- paused <---(anything else)---------------+---(eighth time)--> dropped
 */
export class WebhookQueue {
  readonly #options: WebhookQueueOptions;
  readonly #lanes = new Map<string, Entry[]>();
  /** In the order in which they came. */
  readonly #entries = new Set<Entry>();
  /** Lanes whose first event may be sent now. */
  readonly #due: Entry[] = [];
  readonly #underWay = new Map<AbortController, Promise<void>>();
  readonly #counts = { delivered: 0, failedAttempts: 0, dropped: 0 };
  #closed = false;
  #secret: string;

  constructor(options: WebhookQueueOptions) {
    this.#options = options;
    this.#secret = options.secret;
  }

  /** Signs with this from now on, further attempts of what waits already included. */
  set secret(secret: string) {
    this.#secret = secret;
  }

  get stats(): WebhookStats {
    return { waiting: this.#entries.size, ...this.#counts };
  }

  add(event: WebhookEvent): void {
    if (this.#closed) return;
    const entry: Entry = { event, attempts: 0, sending: false, cancelPause: () => undefined };
    this.#entries.add(entry);
    const lane = this.#lanes.get(event.lane);
    if (lane) lane.push(entry);
    else {
      this.#lanes.set(event.lane, [entry]);
      this.#due.push(entry);
    }
    if (this.#entries.size > (this.#options.capacity ?? CAPACITY)) this.#dropOldest();
    this.#pump();
  }

  /** Sends nothing new; what is under way gets `graceMs` and is then cut off. */
  async close(graceMs: number): Promise<void> {
    this.#closed = true;
    for (const entry of this.#entries) entry.cancelPause();
    const cancel = this.#options.clock.after(graceMs, () => {
      for (const controller of this.#underWay.keys()) controller.abort(new Error("the controller is stopping"));
    });
    await Promise.all(this.#underWay.values());
    cancel();
  }

  #pump(): void {
    while (!this.#closed && this.#underWay.size < AT_ONCE) {
      const entry = this.#due.shift();
      if (entry === undefined) return;
      if (!this.#entries.has(entry)) continue;
      const controller = new AbortController();
      this.#underWay.set(controller, this.#attempt(entry, controller));
    }
  }

  async #attempt(entry: Entry, controller: AbortController): Promise<void> {
    entry.sending = true;
    entry.attempts += 1;
    const problem = await this.#send(entry, controller);
    entry.sending = false;
    this.#underWay.delete(controller);
    if (problem === undefined) {
      this.#counts.delivered += 1;
      this.#remove(entry);
    } else if (!this.#closed) this.#failed(entry, problem);
    this.#pump();
  }

  /** What went wrong, undefined where nothing did. Redirects are not followed: they would carry events elsewhere. */
  async #send({ event, attempts }: Entry, controller: AbortController): Promise<string | undefined> {
    const { clock, post, url } = this.#options;
    const late = new Error(`no answer within ${TIMEOUT_MS / 1000} s`);
    const cancel = clock.after(TIMEOUT_MS, () => controller.abort(late));
    try {
      const headers = { ...this.#headers(event), "forge-attempt": String(attempts) };
      const { status } = await post(url, { headers, body: event.body, signal: controller.signal });
      return status >= 200 && status < 300 ? undefined : `answered ${status}`;
    } catch (error) {
      return controller.signal.aborted ? String((controller.signal.reason as Error).message) : (error as Error).message;
    } finally {
      cancel();
    }
  }

  #headers({ id, type, body }: WebhookEvent): Record<string, string> {
    const unix = Math.floor(this.#options.clock.now() / 1000);
    const seal = createHmac("sha256", this.#secret).update(`${unix}.${body}`).digest("hex");
    return {
      "content-type": "application/json",
      "user-agent": "eustress-forge-webhooks",
      "forge-event-id": id,
      "forge-event-type": type,
      "forge-signature": `t=${unix},v1=${seal}`,
    };
  }

  #failed(entry: Entry, problem: string): void {
    this.#counts.failedAttempts += 1;
    const pauseSecs = PAUSES_SECS[entry.attempts - 1];
    if (pauseSecs === undefined) {
      this.#drop(entry, `${problem}, and that was attempt ${entry.attempts}`);
      return;
    }
    const { clock, random } = this.#options;
    // A receiver that was down must not get everything in one instant when it is back.
    entry.cancelPause = clock.after(pauseSecs * 1000 * (0.75 + random() / 2), () => {
      this.#due.push(entry);
      this.#pump();
    });
  }

  #dropOldest(): void {
    for (const entry of this.#entries) {
      if (entry.sending) continue;
      this.#drop(entry, "too many events wait for this receiver");
      return;
    }
  }

  #drop(entry: Entry, reason: string): void {
    this.#counts.dropped += 1;
    entry.cancelPause();
    this.#remove(entry);
    this.#options.onDropped(entry.event, reason);
  }

  /** Takes an event out of its lane; where it was the first, the next one's turn has come. */
  #remove(entry: Entry): void {
    this.#entries.delete(entry);
    const lane = this.#lanes.get(entry.event.lane);
    if (lane === undefined) return;
    const wasFirst = lane[0] === entry;
    lane.splice(lane.indexOf(entry), 1);
    const next = lane[0];
    if (next === undefined) this.#lanes.delete(entry.event.lane);
    else if (wasFirst) this.#due.push(next);
  }
}
