import type { NomadClient } from "../../../clients/nomad";
import type { Clock } from "../../../protocol/clock";
import type { ServerBook } from "./server-book";
import type { ServerRecord } from "./server-record";

export interface PurgeDeps {
  readonly client: Pick<NomadClient, "deregister">;
  readonly clock: Clock;
  readonly book: Pick<ServerBook, "all" | "remove">;
  /** Milliseconds between a server's end and its purge. */
  readonly afterMs: number;
  readonly onError: (error: unknown, serverId: string) => void;
}

const LOOK_EVERY_MS = 30_000;
/** Purged in one look, so that a controller that comes back to thousands of ended servers does not flood Nomad. */
const MOST_AT_ONCE = 100;

/**
 * Purges ended servers' jobs: Nomad keeps them for hours, in the memory of each of its servers. When a server ended is
 * read from Nomad itself, so no restart loses a purge.
 */
export class Purge {
  private cancel: (() => void) | undefined;
  private closed = false;

  constructor(private readonly deps: PurgeDeps) {}

  /** Looks again in a while, as long as there is something to look for. */
  wake(): void {
    if (this.closed || this.cancel !== undefined) return;
    const everyMs = Math.min(LOOK_EVERY_MS, this.deps.afterMs);
    this.cancel = this.deps.clock.after(everyMs, () => {
      this.cancel = undefined;
      void this.look();
    });
  }

  /** @throws what Nomad answers; the next look tries again */
  async now(record: ServerRecord): Promise<void> {
    await this.deps.client.deregister(record.job.id, true);
    this.deps.book.remove(record);
  }

  close(): void {
    this.closed = true;
    this.cancel?.();
  }

  private async look(): Promise<void> {
    const { clock, book, afterMs, onError } = this.deps;
    const ended = [...book.all()].filter(({ endedAtMs }) => endedAtMs !== undefined);
    const due = ended.filter(({ endedAtMs = 0, forgotten }) => forgotten || clock.now() - endedAtMs >= afterMs);
    for (const record of due.slice(0, MOST_AT_ONCE)) {
      if (this.closed) return;
      await this.now(record).catch((error: unknown) => onError(error, record.serverId));
    }
    if (ended.length > 0) this.wake();
  }
}
