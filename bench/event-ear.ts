import { request } from "undici";

export type HeardEvent = Readonly<Record<string, unknown>>;

interface Heard {
  readonly event: HeardEvent;
  /** When it arrived, by `performance.now()`. */
  readonly atMs: number;
}

/** Listens to a controller's event stream and says when what was waited for arrived. */
export class EventEar {
  private readonly waiting = new Set<(heard: Heard) => void>();
  private text = "";

  private constructor(private readonly stop: AbortController) {}

  /** Resolves once the stream is open: nothing that happens from then on is missed. */
  static async open(url: string, token: string): Promise<EventEar> {
    const stop = new AbortController();
    const answer = await request(`${url}/v1/events`, {
      headers: { authorization: `Bearer ${token}` },
      signal: stop.signal,
      bodyTimeout: 0,
    });
    const ear = new EventEar(stop);
    answer.body.setEncoding("utf8");
    answer.body.on("data", (chunk: string) => ear.read(chunk));
    answer.body.on("error", () => undefined);
    return ear;
  }

  /** The next event of which `wanted` is true; `forget` waits no longer. */
  next(wanted: (event: HeardEvent) => boolean): Promise<Heard> & { forget(): void } {
    let forget = (): void => undefined;
    const heard = new Promise<Heard>((resolve) => {
      const listener = (each: Heard): void => {
        if (!wanted(each.event)) return;
        this.waiting.delete(listener);
        resolve(each);
      };
      forget = () => void this.waiting.delete(listener);
      this.waiting.add(listener);
    });
    return Object.assign(heard, { forget });
  }

  close(): void {
    this.stop.abort();
  }

  private read(chunk: string): void {
    const atMs = performance.now();
    this.text += chunk;
    const blocks = this.text.split("\n\n");
    this.text = blocks.pop() ?? "";
    for (const block of blocks) {
      const data = /^data: ?(.*)$/m.exec(block)?.[1];
      if (data === undefined) continue;
      const event = JSON.parse(data) as HeardEvent;
      for (const listener of [...this.waiting]) listener({ event, atMs });
    }
  }
}
