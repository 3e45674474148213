import type { ServerResponse } from "node:http";
import type { GateLimits } from "./limits";

/** Told again on every new stream; of those that wait for a slow reader only the newest is kept. */
const STATE_EVENT = "gameserver";

interface Stream {
  readonly response: ServerResponse;
  /** The newest state that did not go out yet, because the reader has not taken what went before. */
  lateState: string | undefined;
}

/**
 * The open `GET /v1/watch` streams of one game server, as server-sent events.
 *
 * A reader that does not read costs at most `streamBacklogBytes`: of state it gets the newest once it reads again, and
 * when other events pile up beyond the bound its stream is dropped.
 */
export class WatchStreams {
  readonly #streams = new Set<Stream>();
  #state: string | undefined;
  #everOpened = false;

  /**
   * @param limits `streamBacklogBytes` bounds each stream
   * @param onCount told after each stream's begin and end
   */
  constructor(
    private readonly limits: Pick<GateLimits, "streamBacklogBytes">,
    private readonly onCount: (change: "streamOpened" | "streamEnded", streams: number) => void,
  ) {}

  get count(): number {
    return this.#streams.size;
  }

  /** Whether there ever was one: only then does the end of the last mean something. */
  get everOpened(): boolean {
    return this.#everOpened;
  }

  /** Turns a response into a stream that lasts until either side ends it. */
  open(response: ServerResponse): void {
    const stream: Stream = { response, lateState: undefined };
    response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    });
    response.on("drain", () => this.#flushState(stream));
    response.on("error", () => response.destroy());
    response.on("close", () => this.#ended(stream));
    // A first byte lets the reader see at once that it is in.
    response.write(": watching\n\n");
    this.#streams.add(stream);
    this.#everOpened = true;
    if (this.#state !== undefined) this.#sendState(stream, this.#state);
    this.onCount("streamOpened", this.#streams.size);
  }

  /** Sends an event to every stream. */
  push(event: string, data: unknown): void {
    const text = `event: ${event}\ndata: ${JSON.stringify(data) ?? "null"}\n\n`;
    if (event === STATE_EVENT) {
      this.#state = text;
      for (const stream of this.#streams) this.#sendState(stream, text);
    } else {
      for (const stream of this.#streams) this.#send(stream, text);
    }
  }

  /** A comment, so that both sides and whatever is between them know that the stream lives. */
  heartbeat(): void {
    for (const stream of this.#streams) {
      if (!stream.response.writableNeedDrain) stream.response.write(": heartbeat\n\n");
    }
  }

  /** Ends all, telling nobody: the gate was asked to. */
  endAll(): void {
    for (const { response } of this.#streams) response.end();
    this.#streams.clear();
  }

  #sendState(stream: Stream, text: string): void {
    if (stream.response.writableNeedDrain) stream.lateState = text;
    else this.#send(stream, text);
  }

  #flushState(stream: Stream): void {
    const late = stream.lateState;
    stream.lateState = undefined;
    if (late !== undefined) this.#send(stream, late);
  }

  #send({ response }: Stream, text: string): void {
    if (response.writableLength + text.length > this.limits.streamBacklogBytes) response.destroy();
    else response.write(text);
  }

  #ended(stream: Stream): void {
    if (this.#streams.delete(stream)) this.onCount("streamEnded", this.#streams.size);
  }
}
