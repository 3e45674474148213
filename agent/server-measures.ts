import type { ServerStats } from "../protocol/messages";

const NOTHING = { cpu: 0, memoryBytes: 0, players: 0, responseMs: undefined, errorRate: undefined };

/** What was measured of a server last, of each kind, and whether controllers have heard it. */
export class ServerMeasures {
  /** Undefined until something was. */
  stats: ServerStats | undefined;
  private changed = false;

  add(stats: Partial<Omit<ServerStats, "atMs">>, atMs: number): void {
    this.stats = { ...(this.stats ?? NOTHING), ...stats, atMs };
    this.changed = true;
  }

  /** What controllers have not heard yet, if anything. */
  takeChanged(players: number): ServerStats | undefined {
    if (!this.changed || !this.stats) return undefined;
    this.changed = false;
    return (this.stats = { ...this.stats, players });
  }
}
