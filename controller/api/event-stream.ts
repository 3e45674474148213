import { Readable } from "node:stream";
import type { Clock } from "../../protocol/clock";
import type { EventSource, StoredEvent } from "./backend";
import { type EventFilter, fits } from "./event-filter";

const HEARTBEAT_MS = 15_000;
/** A reader that leaves more than this unread is dropped; it comes back with its last id. */
const MAX_UNREAD_BYTES = 1024 * 1024;
const RETRY_MS = 1000;

/** The text of each event is made once, however many listen. */
const frames = new WeakMap<StoredEvent, string>();

/**
 * Events as `text/event-stream`: those since `lastId`, then as they happen. First, and with each heartbeat, comes the
 * position of the log as an id without an event, so that a filtered stream can be resumed close to where it was.
 * Where the gap since `lastId` is too wide, a `reset` event says so: the reader has to read the state anew.
 */
export class EventStream extends Readable {
  readonly #filter: EventFilter;
  readonly #clock: Clock;
  #unsubscribe: () => void = () => undefined;
  #cancelHeartbeat: () => void = () => undefined;
  readonly #mayLeaveUnread: number;
  #lastId: string;

  constructor(source: EventSource, clock: Clock, filter: EventFilter, lastId: string | undefined) {
    super({ highWaterMark: MAX_UNREAD_BYTES });
    this.#filter = filter;
    this.#clock = clock;
    const { reset, events, lastId: end } = source.since(lastId);
    this.#lastId = end;
    this.push(`retry: ${RETRY_MS}\n\n`);
    if (reset)
      this.push(
        frame(
          end,
          "reset",
          JSON.stringify({
            lastEventId: end,
            reason: "events since the last one seen are no longer held: read the state anew",
          }),
        ),
      );
    for (const stored of events) if (fits(stored.event, filter)) this.push(frameOf(stored));
    this.push(`id: ${end}\n\n`);
    // What was asked for is no sign of slowness.
    this.#mayLeaveUnread = this.readableLength + MAX_UNREAD_BYTES;
    this.#unsubscribe = source.subscribe((stored) => this.#onEvent(stored));
    this.#beat();
  }

  override _read(): void {
    // Events come when they happen; what is unread is bounded in #onEvent.
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#unsubscribe();
    this.#cancelHeartbeat();
    done(error);
  }

  #onEvent(stored: StoredEvent): void {
    this.#lastId = stored.id;
    if (fits(stored.event, this.#filter)) this.#send(frameOf(stored));
  }

  #beat(): void {
    this.#cancelHeartbeat = this.#clock.after(HEARTBEAT_MS, () => {
      this.#send(`: heartbeat\nid: ${this.#lastId}\n\n`);
      if (!this.destroyed) this.#beat();
    });
  }

  #send(text: string): void {
    if (this.destroyed) return;
    if (this.readableLength > this.#mayLeaveUnread) this.destroy();
    else this.push(text);
  }
}

function frameOf(stored: StoredEvent): string {
  let text = frames.get(stored);
  if (text === undefined)
    frames.set(stored, (text = frame(stored.id, stored.event.type, JSON.stringify(stored.event))));
  return text;
}

function frame(id: string, type: string, data: string): string {
  return `id: ${id}\nevent: ${type}\ndata: ${data}\n\n`;
}
