import { EventStreamParser } from "../../sdk/src/event-stream";
import { EventTap, type EventMatch, type SeenEvent } from "./event-tap";
import type { ForgeRun } from "./forge-run";

/** A reader of `GET /v1/events`, as any program would have one. */
export class EventReader {
  private readonly tap = new EventTap();
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  private readonly done: Promise<void>;

  private constructor(readonly response: Response) {
    if (response.body === null) throw new Error("the stream has no body");
    this.reader = response.body.getReader();
    this.done = this.read().then(
      () => this.tap.end("the stream ended"),
      (error: Error) => this.tap.end(`the stream broke: ${error.message}`),
    );
  }

  static async open(run: ForgeRun, query = "", lastEventId?: string): Promise<EventReader> {
    const response = await fetch(`${run.url}/v1/events${query}`, {
      headers: {
        authorization: `Bearer ${run.token}`,
        ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
      },
    });
    return new EventReader(response);
  }

  get events(): readonly SeenEvent[] {
    return this.tap.events;
  }

  next(match: EventMatch, after?: number): Promise<SeenEvent> {
    return this.tap.next(match, after);
  }

  async close(): Promise<void> {
    await this.reader.cancel();
    await this.done;
  }

  private async read(): Promise<void> {
    const parser = new EventStreamParser(({ event, id, data }) => {
      this.tap.push({ type: event, ...(JSON.parse(data) as object), id } as unknown as SeenEvent);
    });
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await this.reader.read();
      if (done) return;
      parser.push(decoder.decode(value, { stream: true }));
    }
  }
}
