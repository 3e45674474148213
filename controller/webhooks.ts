import { Agent, request } from "../clients/undici.cjs";
import type { WebhookConfig } from "../config/config";
import type { Clock } from "../protocol/clock";
import { fits } from "./api/event-filter";
import type { EventSource, StoredEvent } from "./api/backend";
import type { Meter, Metric } from "./api/metric";
import type { ForgeEvent } from "./core/resources";
import { type WebhookEvent, type WebhookPost, WebhookQueue, type WebhookStats } from "./webhook-queue";

/** A receiver with its secret, as it is once the environment was asked. */
export interface Webhook {
  readonly url: string;
  /** Event types; `server.*` stands for all of a kind. */
  readonly events: readonly string[];
  readonly secret: string;
}

/** What is logged: pino's own order of arguments. */
export interface WebhookLog {
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export interface WebhooksOptions {
  readonly hooks: readonly Webhook[];
  readonly source: Pick<EventSource, "subscribe">;
  readonly clock: Clock;
  /** 0 up to but not including 1. */
  readonly random: () => number;
  readonly log: WebhookLog;
  readonly post?: WebhookPost;
  /** Events that may wait for each receiver; 2000. */
  readonly capacity?: number;
}

/** The variable asked where a webhook names none. */
export const DEFAULT_SECRET_ENV = "FORGE_WEBHOOK_SECRET";
const MIN_SECRET_CHARACTERS = 16;
const CLOSE_GRACE_MS = 1_000;
/** A receiver that is down must not fill the log as well. */
const LOG_EVERY_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * The webhooks of forge.toml with their secrets. Nothing is ever sent unsigned.
 * @throws {Error} naming every variable that is not set, or too short to be a secret
 */
export function readWebhooks(
  configs: readonly WebhookConfig[],
  env: Readonly<Record<string, string | undefined>>,
): readonly Webhook[] {
  const problems: string[] = [];
  const hooks = configs.map(({ url, events, secretEnv = DEFAULT_SECRET_ENV }, index) => {
    const secret = env[secretEnv] ?? "";
    if (secret.length < MIN_SECRET_CHARACTERS) {
      const found = secret === "" ? "is not set" : `has ${secret.length} characters`;
      problems.push(
        `webhooks[${index}] (${hostOf(url)}): the environment variable ${secretEnv} ${found}; ` +
          `set it to a secret of at least ${MIN_SECRET_CHARACTERS} characters that the receiver knows too`,
      );
    }
    return { url, events, secret };
  });
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return hooks;
}

/** A receiver and what waits for it. Without `hook` it is told nothing new and goes once nothing waits. */
interface Receiver {
  readonly url: string;
  hook: Webhook | undefined;
  readonly queue: WebhookQueue;
}

/** Tells receivers what happens: signed, tried again, and in order for each session and each server. */
export class Webhooks implements Meter {
  readonly #options: WebhooksOptions;
  readonly #unsubscribe: () => void;
  readonly #agent: Agent | undefined;
  readonly #post: WebhookPost;
  #receivers: readonly Receiver[] = [];
  /** What receivers that are gone have counted, by host, where another of that host stays. */
  readonly #gone = new Map<string, WebhookStats>();

  constructor(options: WebhooksOptions) {
    this.#options = options;
    this.#agent = options.post ? undefined : new Agent({ connections: 8, pipelining: 1 });
    this.#post = options.post ?? postBy(this.#agent);
    this.setHooks(options.hooks);
    this.#unsubscribe = options.source.subscribe((stored) => this.#onEvent(stored));
  }

  /**
   * From now on these receivers are told. One that stays, which its URL says, keeps its queue and so the order of its
   * events; its other events and another secret count at once. What waits for one that is gone is still delivered.
   */
  setHooks(hooks: readonly Webhook[]): void {
    const left = new Set(this.#receivers);
    const receivers = hooks.map((hook) => {
      const same = [...left].filter(({ url }) => url === hook.url);
      // Where a URL is there twice, the one with the same events is the same.
      const known = same.find((receiver) => sameEvents(receiver.hook, hook)) ?? same[0];
      if (!known) return this.#receiver(hook);
      left.delete(known);
      known.hook = hook;
      known.queue.secret = hook.secret;
      return known;
    });
    for (const gone of left) gone.hook = undefined;
    const waiting = [...left].filter(({ queue }) => queue.stats.waiting > 0);
    this.#receivers = [...receivers, ...waiting];
    for (const gone of left) if (!waiting.includes(gone)) this.#addGone(gone);
  }

  /** By receiver: what waits, arrived and was given up. */
  stats(): readonly (WebhookStats & { readonly host: string })[] {
    return this.#receivers.map(({ url, queue }) => ({ host: hostOf(url), ...queue.stats }));
  }

  /** By the receivers' hosts: an address may carry a key in its path. */
  metrics(): readonly Metric[] {
    const hosts = new Map<string, WebhookStats>();
    for (const { host, ...stats } of this.stats()) hosts.set(host, sum(hosts.get(host) ?? this.#gone.get(host), stats));
    const metric = (
      name: string,
      help: string,
      type: Metric["type"],
      read: (stats: WebhookStats) => number,
    ): Metric => ({
      name: `forge_webhook_${name}`,
      help,
      type,
      series: [...hosts].map(([receiver, stats]) => ({ labels: { receiver }, value: read(stats) })),
    });
    return [
      metric("events_waiting", "Events that wait for a receiver", "gauge", ({ waiting }) => waiting),
      metric("events_delivered_total", "Events that arrived", "counter", ({ delivered }) => delivered),
      metric("events_dropped_total", "Events that were given up", "counter", ({ dropped }) => dropped),
      metric(
        "failed_attempts_total",
        "Attempts to deliver that failed",
        "counter",
        ({ failedAttempts }) => failedAttempts,
      ),
    ];
  }

  /** Ends within about a second. What still waits is lost: receivers read the state when events are missing. */
  async close(): Promise<void> {
    this.#unsubscribe();
    await Promise.all(this.#receivers.map(({ queue }) => queue.close(CLOSE_GRACE_MS)));
    await this.#agent?.destroy();
  }

  /** A counter must not fall as long as its host is told of. */
  #addGone({ url, queue }: Receiver): void {
    const host = hostOf(url);
    this.#gone.set(host, sum(this.#gone.get(host), queue.stats));
    const hosts = new Set(this.#receivers.map((receiver) => hostOf(receiver.url)));
    for (const known of this.#gone.keys()) if (!hosts.has(known)) this.#gone.delete(known);
  }

  #onEvent(stored: StoredEvent): void {
    let made: WebhookEvent | undefined;
    for (const { hook, queue } of this.#receivers) {
      if (hook && fits(stored.event, { types: hook.events })) queue.add((made ??= webhookEvent(stored)));
    }
  }

  #receiver(hook: Webhook): Receiver {
    const { url, secret } = hook;
    const { clock, random, log, capacity } = this.#options;
    const onDropped = dropLogger(log, clock, url);
    const bounds = capacity === undefined ? {} : { capacity };
    const queue = new WebhookQueue({ url, secret, clock, random, post: this.#post, onDropped, ...bounds });
    return { url, hook, queue };
  }
}

function sum(a: WebhookStats | undefined, b: WebhookStats): WebhookStats {
  if (!a) return b;
  return {
    waiting: a.waiting + b.waiting,
    delivered: a.delivered + b.delivered,
    failedAttempts: a.failedAttempts + b.failedAttempts,
    dropped: a.dropped + b.dropped,
  };
}

function sameEvents(a: Webhook | undefined, b: Webhook): boolean {
  return a !== undefined && a.events.join() === b.events.join();
}

function webhookEvent({ id, event }: StoredEvent): WebhookEvent {
  // Each region counts its events by itself.
  return { id: `${event.region}/${id}`, type: event.type, body: JSON.stringify(event), lane: laneOf(event) };
}

function laneOf(event: ForgeEvent): string {
  if ("sessionId" in event) return `session ${event.sessionId}`;
  if ("serverId" in event) return `server ${event.serverId}`;
  return event.type;
}

function postBy(dispatcher: Agent | undefined): WebhookPost {
  return async (url, { headers, body, signal }) => {
    const options = { method: "POST", headers, body, signal, ...(dispatcher && { dispatcher }) } as const;
    const answer = await request(url, options);
    // Only the status counts; the rest is read so that the connection can be used again.
    await answer.body.dump({ limit: MAX_ANSWER_BYTES, signal });
    return { status: answer.statusCode };
  };
}

function dropLogger(log: WebhookLog, clock: Clock, url: string): (event: WebhookEvent, reason: string) => void {
  let dropped = 0;
  let loggedAt = -Infinity;
  return (event, reason) => {
    dropped += 1;
    if (clock.now() - loggedAt < LOG_EVERY_MS) return;
    loggedAt = clock.now();
    // The address may carry a key of the receiver's in its path.
    const fields = {
      event: "webhook.dropped",
      host: hostOf(url),
      dropped,
      eventId: event.id,
      type: event.type,
      reason,
    };
    log.warn(fields, `webhook.dropped: ${dropped} events so far did not reach ${hostOf(url)}: ${reason}`);
  };
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "?";
}
