/** One server-sent event as it was dispatched. */
export interface StreamEvent {
  readonly event: string;
  readonly data: string;
  /** The last id seen on this stream, "" before the first. */
  readonly id: string;
}

/** A line or event longer than this ends the stream: nothing of ours comes near it. */
const MAX_EVENT_CHARACTERS = 4 * 1024 * 1024;

/**
 * Parses `text/event-stream` (WHATWG HTML, section 9.2.6) from chunks cut anywhere.
 * Comments (Forge's heartbeats) and `retry` fields give no event.
 */
export class EventStreamParser {
  private rest = "";
  private event = "";
  private data: string[] = [];
  private size = 0;
  private lastId = "";
  private first = true;

  constructor(private readonly dispatch: (event: StreamEvent) => void) {}

  /** The position in the stream, for `Last-Event-ID`: an id counts even where no event came with it. */
  get lastEventId(): string {
    return this.lastId;
  }

  /** @throws {Error} where one event is over 4 MiB */
  push(chunk: string): void {
    let text = this.rest + chunk;
    if (this.first && text !== "") {
      if (text.startsWith("\uFEFF")) text = text.slice(1);
      this.first = false;
    }
    let start = 0;
    for (;;) {
      const end = lineEnd(text, start);
      if (end === undefined) break;
      this.line(text.slice(start, end.at));
      start = end.next;
    }
    this.rest = text.slice(start);
    if (this.rest.length + this.size > MAX_EVENT_CHARACTERS) throw new Error("an event of the stream is over 4 MiB");
  }

  private line(line: string): void {
    if (line === "") {
      this.finish();
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line.startsWith(" ", colon + 1) ? colon + 2 : colon + 1);
    if (field === "event") this.event = value;
    else if (field === "id" && !value.includes("\0")) this.lastId = value;
    else if (field === "data") {
      this.data.push(value);
      this.size += value.length;
    }
  }

  private finish(): void {
    const { event, data, lastId } = this;
    this.event = "";
    this.data = [];
    this.size = 0;
    if (data.length > 0) this.dispatch({ event: event === "" ? "message" : event, data: data.join("\n"), id: lastId });
  }
}

/** Where the line from `start` ends (LF, CR or CRLF); undefined where that is not known yet. */
function lineEnd(text: string, start: number): { at: number; next: number } | undefined {
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 10) return { at, next: at + 1 };
    if (code !== 13) continue;
    // A CR at the very end may be half of a CRLF.
    if (at + 1 === text.length) return undefined;
    return { at, next: text.charCodeAt(at + 1) === 10 ? at + 2 : at + 1 };
  }
  return undefined;
}
