import { setTimeout as pause } from "node:timers/promises";
import type { ForgeEvent } from "../../controller/core/resources";
import { EventStreamParser } from "../../sdk/src/event-stream";

const AGAIN_MS = 200;

/** What controllers tell of nodes, heard from each of them as it happens: the log of one that has fallen goes with it. */
export class NodeEvents {
  private readonly heard = new Map<string, ForgeEvent>();
  private readonly stopping = new AbortController();
  private readonly listening: readonly Promise<void>[];

  constructor(
    urls: readonly string[],
    private readonly token: string,
  ) {
    this.listening = urls.map((url) => this.listen(url));
  }

  /** When a node was first told of so after a moment; undefined where it was not. Both in Unix milliseconds. */
  first(type: ForgeEvent["type"], nodeId: string, sinceMs: number): number | undefined {
    const times = [...this.heard.values()]
      .filter((event) => event.type === type && "detail" in event && event.detail?.["nodeId"] === nodeId)
      .map(({ at }) => Date.parse(at))
      .filter((atMs) => atMs >= sinceMs);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.listening);
  }

  private async listen(url: string): Promise<void> {
    let lastId: string | undefined;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const parser = new EventStreamParser(({ event, id, data }) => {
        if (id !== "") lastId = id;
        // A standby passes on what the leader tells: it is heard twice.
        if (event !== "reset") this.heard.set(`${event} ${data}`, eventOf(event, data));
      });
      try {
        const answer = await fetch(`${url}/v1/events?type=node.*`, {
          headers: {
            authorization: `Bearer ${this.token}`,
            ...(lastId === undefined ? {} : { "last-event-id": lastId }),
          },
          signal,
        });
        const decoder = new TextDecoder();
        for await (const bytes of answer.body ?? []) parser.push(decoder.decode(bytes as Uint8Array, { stream: true }));
      } catch {
        // Cut off, or not there: it is asked again.
      }
      await pause(AGAIN_MS);
    }
  }
}

function eventOf(type: string, data: string): ForgeEvent {
  return { ...(JSON.parse(data) as object), type } as ForgeEvent;
}
