import type { IncomingMessage } from "node:http";
import { EventStreamParser, type StreamEvent } from "../event-stream";
import { pauseMs, type RetryPolicy } from "../retry";
import type { Timing } from "../timing";

/** Comments come each 10 s; three missed mean that the stream is dead without having ended. */
const SILENCE_MS = 30_000;
/** How a stream was over; behind an object because a promise of a promise is only a promise. */
interface OpenStream {
  readonly over: Promise<"ended" | "silent">;
}

const RECONNECT: RetryPolicy = { forMs: 0, firstMs: 100, maxMs: 2_000 };

export interface WatchSource {
  stream(path: string): Promise<IncomingMessage>;
  readonly closed: AbortSignal;
}

/**
 * Keeps one `/v1/watch` stream open for the server's life, opening the next when one ends.
 * The end of a server's last stream counts as its death, so a silent stream is closed only after its successor is open.
 */
export class Watch {
  private current: IncomingMessage | undefined;
  private failures = 0;

  constructor(
    private readonly source: WatchSource,
    private readonly timing: Timing,
    private readonly onEvent: (event: StreamEvent) => void,
    private readonly onProblem: (error: Error) => void,
    private readonly silenceMs = SILENCE_MS,
  ) {}

  /** Resolves when the first stream is open; goes on by itself from then until the source is closed. */
  async start(): Promise<void> {
    const first = await this.open();
    void this.run(first);
  }

  private async run(first: OpenStream): Promise<void> {
    let stream: OpenStream | undefined = first;
    while (!this.source.closed.aborted) {
      await stream?.over;
      if (this.source.closed.aborted) return;
      try {
        stream = await this.open();
        this.failures = 0;
      } catch (error) {
        stream = undefined;
        this.failures++;
        this.onProblem(error as Error);
        await this.timing
          .sleep(pauseMs(RECONNECT, this.failures, this.timing.random()), this.source.closed)
          .catch(() => undefined);
      }
    }
  }

  /** Opens a stream, then closes the one before it. */
  private async open(): Promise<OpenStream> {
    const stream = await this.source.stream("/v1/watch");
    const before = this.current;
    this.current = stream;
    const over = this.read(stream);
    before?.destroy();
    return { over };
  }

  private read(stream: IncomingMessage): Promise<"ended" | "silent"> {
    return new Promise((resolve) => {
      const parser = new EventStreamParser((event) => {
        if (this.current === stream) this.onEvent(event);
      });
      stream.setEncoding("utf8");
      stream.on("data", (chunk: string) => {
        try {
          parser.push(chunk);
        } catch (error) {
          stream.destroy(error as Error);
        }
      });
      stream.socket.setTimeout(this.silenceMs, () => resolve("silent"));
      stream.on("error", () => resolve("ended"));
      stream.on("close", () => resolve("ended"));
    });
  }
}
