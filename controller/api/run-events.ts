import { Readable } from "node:stream";
import type { Clock } from "../../protocol/clock";
import { ProblemError } from "../problems";

const HEARTBEAT_MS = 15_000;
const RETRY_MS = 2000;
const MAX_UNREAD_BYTES = 1024 * 1024;
const MAX_FRAME_CHARACTERS = 4 * 1024 * 1024;
/** No id of any event: asks a region for its `reset`, and is that of a stream in which no region has answered yet. */
const UNKNOWN_POSITION = "unknown";

/** One region's own event stream, from where it was left. */
export interface RegionEvents {
  readonly region: string;
  readonly open: (lastId: string | undefined) => Promise<Readable>;
}

/**
 * The events of all regions of a run as one `text/event-stream`. Its ids hold the position in each region,
 * `us-east=2-118,eu-west=1-77`, so that it can be resumed as a whole. There is no order between regions. A region
 * that does not answer is said once, as `event: missing`, and asked again until it does. One in which the reader's
 * position is not known, though there was one to know, says `reset`: it was not in the id that the reader came back
 * with, that could not be read, or the region did not answer when the reader came.
 */
export class RunEventStream extends Readable {
  readonly #positions: Map<string, string>;
  readonly #resumes: boolean;
  readonly #open = new Set<Readable>();
  readonly #cancels = new Set<() => void>();
  readonly #missing = new Set<string>();
  readonly #clock: Clock;

  constructor(sources: readonly RegionEvents[], clock: Clock, lastId: string | undefined) {
    super({ highWaterMark: MAX_UNREAD_BYTES });
    this.#clock = clock;
    this.#positions = positionsOf(lastId);
    this.#resumes = lastId !== undefined;
    // The head of an answer goes out with its first bytes: a reader must not wait for the first event to know that it is heard.
    this.push(`retry: ${RETRY_MS}\n\n`);
    for (const source of sources) void this.#follow(source);
    this.#beat();
  }

  override _read(): void {
    // Events come when they happen; what is unread is bounded in #send.
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    for (const stream of this.#open) stream.destroy();
    for (const cancel of this.#cancels) cancel();
    done(error);
  }

  async #follow(source: RegionEvents): Promise<void> {
    try {
      const stream = await source.open(this.#from(source.region));
      this.#open.add(stream);
      if (this.destroyed) stream.destroy();
      try {
        for await (const frame of framesOf(stream)) this.#pass(source.region, frame);
      } finally {
        this.#open.delete(stream);
      }
      this.#lost(source, "its stream ended");
    } catch (error) {
      this.#lost(source, error instanceof ProblemError ? error.detail : "its stream broke");
    }
  }

  /** Undefined, from now on, only for whoever begins here and has missed nothing. */
  #from(region: string): string | undefined {
    const missedSome = this.#resumes || this.#missing.has(region);
    return this.#positions.get(region) ?? (missedSome ? UNKNOWN_POSITION : undefined);
  }

  #pass(region: string, { id, event, data }: Frame): void {
    this.#missing.delete(region);
    if (id === undefined) return;
    this.#positions.set(region, id);
    if (event === undefined || data === undefined) this.#write(`id: ${this.#id()}\n\n`);
    else this.#send(event, event === "reset" ? withRegion(data, region) : data);
  }

  #lost(source: RegionEvents, reason: string): void {
    if (this.destroyed) return;
    const { region } = source;
    if (!this.#missing.has(region)) this.#send("missing", JSON.stringify({ region, reason }));
    this.#missing.add(region);
    this.#after(RETRY_MS, () => void this.#follow(source));
  }

  #beat(): void {
    this.#after(HEARTBEAT_MS, () => {
      this.#write(`: heartbeat\nid: ${this.#id()}\n\n`);
      if (!this.destroyed) this.#beat();
    });
  }

  #after(ms: number, run: () => void): void {
    const cancel = this.#clock.after(ms, () => {
      this.#cancels.delete(cancel);
      run();
    });
    this.#cancels.add(cancel);
  }

  #send(event: string, data: string): void {
    this.#write(`id: ${this.#id()}\nevent: ${event}\ndata: ${data}\n\n`);
  }

  #write(text: string): void {
    if (this.destroyed) return;
    if (this.readableLength > MAX_UNREAD_BYTES) this.destroy();
    else this.push(text);
  }

  /** Never empty: whoever came back with none would be one who begins, and be told of no gap. */
  #id(): string {
    return [...this.#positions].map(([region, id]) => `${region}=${id}`).join(",") || UNKNOWN_POSITION;
  }
}

/** What cannot be read is left out: its region is reset. */
function positionsOf(lastId: string | undefined): Map<string, string> {
  const parts = (lastId ?? "").split(",").map((part) => /^([A-Za-z0-9._-]{1,64})=(\d{1,15}-\d{1,15})$/.exec(part));
  return new Map(parts.flatMap((match) => (match?.[1] && match[2] ? [[match[1], match[2]]] : [])));
}

function withRegion(data: string, region: string): string {
  return JSON.stringify({ region, ...(JSON.parse(data) as Record<string, unknown>) });
}

interface Frame {
  readonly id?: string;
  readonly event?: string;
  readonly data?: string;
}

/** Cuts a stream that `EventStream` wrote, here or in another region, back into what was written. */
async function* framesOf(stream: Readable): AsyncGenerator<Frame> {
  stream.setEncoding("utf8");
  let rest = "";
  for await (const chunk of stream as AsyncIterable<string>) {
    const blocks = (rest + chunk).split("\n\n");
    rest = blocks.pop() ?? "";
    if (rest.length > MAX_FRAME_CHARACTERS)
      throw new ProblemError("regionUnavailable", "its stream has an event over 4 MiB");
    for (const block of blocks) yield Object.fromEntries(block.split("\n").map(field));
  }
}

function field(line: string): [string, string] {
  const colon = line.indexOf(": ");
  return [line.slice(0, colon), line.slice(colon + 2)];
}
