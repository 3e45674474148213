import type { Fetch } from "../api-connection";
import { apiError, ForgeApiError, ForgeUnreachableError } from "../errors";
import { EventStreamParser, type StreamEvent } from "../event-stream";
import { pauseMs, type RetryPolicy } from "../retry";
import { abortReason, type Timing } from "../timing";
import { type TokenSource, withToken } from "../token-source";

/** Heartbeats come each 15 s; a stream silent for so long is dead. */
const SILENCE_MS = 45_000;
const CONNECT_MS = 15_000;
const RECONNECT: RetryPolicy = { forMs: 0, firstMs: 250, maxMs: 10_000 };

export interface EventFeedOptions {
  /** Whole address of the stream. */
  readonly url: string;
  readonly token: TokenSource;
  readonly fetch: Fetch;
  readonly timing: Timing;
  readonly onEvent: (event: StreamEvent) => void;
  readonly onOpen: () => void;
  readonly onBroken: (error: Error) => void;
}

/** Reads one stream of events for ever: opens it again when it breaks, from the last event that came. */
export class EventFeed {
  private readonly closing = new AbortController();
  private lastEventId = "";
  private failures = 0;

  constructor(private readonly options: EventFeedOptions) {}

  start(): void {
    void this.run();
  }

  close(): void {
    this.closing.abort(new Error("the feed was closed"));
  }

  private async run(): Promise<void> {
    const { timing, token, onBroken } = this.options;
    const { signal } = this.closing;
    while (!signal.aborted) {
      let pause = pauseMs(RECONNECT, this.failures, timing.random());
      try {
        await withToken(token, (authorization) => this.read(authorization));
      } catch (error) {
        if (signal.aborted) return;
        onBroken(error as Error);
        // A wrong token does not become right by asking often; that someone may replace it is why we go on asking.
        if (error instanceof ForgeApiError && !error.passing) pause = RECONNECT.maxMs;
      }
      this.failures++;
      await timing.sleep(pause, signal).catch(() => undefined);
    }
  }

  /** Reads one connection to its end, which is always an error: streams do not end by themselves. */
  private async read(authorization: Readonly<Record<string, string>>): Promise<never> {
    const { url, fetch } = this.options;
    const watch = new Silence(this.closing.signal);
    try {
      watch.expect(CONNECT_MS);
      const resume = this.lastEventId === "" ? {} : { "last-event-id": this.lastEventId };
      const response = await fetch(url, {
        headers: { ...authorization, ...resume, accept: "text/event-stream" },
        signal: watch.signal,
      });
      if (!response.ok || response.body === null) {
        const body = await response.text();
        throw apiError(`GET ${url}`, response.status, parse(body), response.headers.get("retry-after") ?? undefined);
      }
      this.failures = 0;
      this.options.onOpen();
      await this.parse(response.body, watch);
      throw new Error("the stream ended");
    } catch (error) {
      if (error instanceof ForgeApiError) throw error;
      throw new ForgeUnreachableError(`GET ${url}`, watch.signal.aborted ? abortReason(watch.signal) : error);
    } finally {
      watch.end();
    }
  }

  private async parse(body: ReadableStream<Uint8Array>, watch: Silence): Promise<void> {
    const parser = new EventStreamParser((event) => this.options.onEvent(event));
    const decoder = new TextDecoder();
    const reader = body.getReader();
    // Not left to fetch, which need not hold its signal once the answer has begun.
    watch.signal.addEventListener("abort", () => void reader.cancel().catch(() => undefined), { once: true });
    for (;;) {
      watch.expect(SILENCE_MS);
      const { done, value } = await reader.read();
      if (done) return;
      parser.push(decoder.decode(value, { stream: true }));
      this.lastEventId = parser.lastEventId || this.lastEventId;
    }
  }
}

/** Aborts when what is expected does not come in time, or when the feed closes. */
class Silence {
  private readonly controller = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly onClose = (): void => this.controller.abort(abortReason(this.closing));

  constructor(private readonly closing: AbortSignal) {
    // Closed while the token was asked for: nothing is opened any more.
    if (closing.aborted) this.onClose();
    closing.addEventListener("abort", this.onClose, { once: true });
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  expect(withinMs: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.controller.abort(new Error(`nothing came for ${withinMs} ms`)), withinMs);
  }

  end(): void {
    clearTimeout(this.timer);
    this.closing.removeEventListener("abort", this.onClose);
    // Lets go of a response whose end nobody read.
    this.controller.abort(new Error("over"));
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
