import { EXPERIENCE } from "./forge-toml";
import type { Promises } from "./promises";

export interface SeatProbeOptions {
  readonly region: string;
  readonly urls: readonly string[];
  readonly token: string;
  readonly now: () => number;
  readonly promises: Promises;
}

/** One player who asked until there was a seat. */
interface Asked {
  readonly askedMs: number;
  readonly seatedMs: number;
}

const EVERY_MS = 200;
/** So many may wait at once: more would be load of its own, and make Forge start servers for them. */
const MOST_ASKING = 5;
const AGAIN_MS = 100;
/** A client gives up a call that is not answered and asks another controller. */
const CALL_MS = 2_000;
const PATIENCE_MS = 60_000;

/**
 * Asks for a seat five times a second, each time as a new player, who asks one controller after the other until there is
 * one, and gives it back: how long nobody gets a seat.
 */
export class SeatProbe {
  private readonly seated: Asked[] = [];
  private readonly timer: NodeJS.Timeout;
  private readonly asking = new Set<Promise<void>>();
  private readonly stopping = new AbortController();
  private count = 0;
  private first = 0;

  constructor(private readonly options: SeatProbeOptions) {
    this.timer = setInterval(() => {
      if (this.asking.size >= MOST_ASKING) return;
      const asks = this.ask(`probe-${options.region}-${String(this.count++)}`).finally(() => this.asking.delete(asks));
      this.asking.add(asks);
    }, EVERY_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.stopping.abort();
    await Promise.all(this.asking);
  }

  /** From a moment on: until the first seat of somebody who asked after it; undefined where none has one yet. */
  nextSeatMs(sinceMs: number): number | undefined {
    const times = this.seated.filter(({ askedMs }) => askedMs >= sinceMs).map(({ seatedMs }) => seatedMs);
    return times.length === 0 ? undefined : Math.min(...times) - sinceMs;
  }

  /** The longest that anybody waited of those who asked between two moments. */
  longestWaitMs(fromMs: number, toMs: number): number {
    const waits = this.seated.filter(({ askedMs }) => askedMs >= fromMs && askedMs < toMs);
    return Math.max(0, ...waits.map(({ askedMs, seatedMs }) => seatedMs - askedMs));
  }

  private async ask(playerId: string): Promise<void> {
    const { now, promises } = this.options;
    const askedMs = now();
    while (!this.stopping.signal.aborted) {
      const at = this.first;
      const session = await this.call(at, "POST", "/v1/sessions", {
        playerId,
        experienceId: EXPERIENCE,
        region: this.options.region,
      });
      if (session !== undefined) {
        this.seated.push({ askedMs, seatedMs: now() });
        await this.call(this.first, "DELETE", `/v1/sessions/${session}`);
        return;
      }
      if (at === this.first) this.first = (this.first + 1) % this.options.urls.length;
      if (now() - askedMs > PATIENCE_MS) {
        promises.break(
          "P6",
          "a seat is given in time",
          `${playerId} asked for ${String(PATIENCE_MS / 1000)} s and has none`,
        );
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  /** @returns the session's id; undefined where there is no seat for now, or no answer */
  private async call(at: number, method: string, path: string, body?: object): Promise<string | undefined> {
    try {
      const answer = await fetch(`${this.options.urls[at] ?? ""}${path}`, {
        method,
        headers: { authorization: `Bearer ${this.options.token}`, ...(body && { "content-type": "application/json" }) },
        ...(body && { body: JSON.stringify(body) }),
        signal: AbortSignal.any([AbortSignal.timeout(CALL_MS), this.stopping.signal]),
      });
      const text = await answer.text();
      if (answer.status !== 200) return undefined;
      return (JSON.parse(text) as { session?: { id: string } }).session?.id;
    } catch {
      return undefined;
    }
  }
}
