import type { ForgeEvent, Server } from "../../controller/core/resources";
import { percentile } from "./percentile";

interface Percentiles {
  readonly p50: number | null;
  readonly p99: number | null;
}

/** What `forge up --for` ends with. Times are milliseconds; null where nothing was measured. */
export interface RunSummary {
  readonly regions: readonly string[];
  readonly serversSpawned: number;
  readonly scaleUps: number;
  readonly scaleDowns: number;
  readonly serversKilled: number;
  readonly playersRouted: number;
  readonly playersMoved: number;
  /** Players who had a place and lost it without being given another or told why: by the events, and by the bots' own count. */
  readonly playersLost: number;
  /** The most seats that any server ever held above its limit, by looks at all servers twice a second. */
  readonly maxSeatsOver: number;
  /** From the decision to start a server to its Ready. */
  readonly spawnMs: Percentiles;
  /** From a bot's request to its place, queueing included. */
  readonly routeMs: Percentiles;
  /** Oldest saved state that a moved player was given. */
  readonly maxRestoredAgeMs: number | null;
  readonly bots: number;
}

/** What the bots say at their end, as far as the summary needs it. */
export interface BotsSummary {
  readonly players: number;
  readonly lost: number;
  readonly routeMs: Percentiles;
}

/** Adds up a run from its events, in the order they come in; knows nothing of where they come from. */
export class RunTally {
  private readonly spawnedAt = new Map<string, number>();
  private readonly spawnMs: number[] = [];
  private readonly seen = { spawned: 0, ups: 0, downs: 0, killed: 0, routed: 0, moved: 0, lost: 0 };
  private over = 0;
  private restoredAgeMs: number | null = null;
  private bots: BotsSummary | undefined;

  constructor(private readonly regions: readonly string[]) {}

  event(event: ForgeEvent): void {
    switch (event.type) {
      case "server.spawned":
        this.seen.spawned += 1;
        this.spawnedAt.set(event.serverId, Date.parse(event.at));
        return;
      case "server.ready":
        this.ready(event.serverId, Date.parse(event.at));
        return;
      case "scaling":
        if (event.action === "up") this.seen.ups += 1;
        else this.seen.downs += 1;
        return;
      case "session.reserved":
        this.seen.routed += 1;
        return;
      case "session.moved":
        this.seen.moved += 1;
        this.restored(event.detail?.["restoredAgeMs"]);
        return;
      case "session.lost":
        this.seen.lost += 1;
        return;
      default:
        return;
    }
  }

  /** A look at the servers as the API lists them now. */
  servers(servers: readonly Pick<Server, "players" | "maxPlayers" | "role">[]): void {
    for (const { players, maxPlayers, role } of servers)
      if (role === "server") this.over = Math.max(this.over, players - maxPlayers);
  }

  killed(): void {
    this.seen.killed += 1;
  }

  /** Of one swarm; an endless demonstration has several, one after the other. */
  botsEnded(bots: BotsSummary): void {
    const before = this.bots ?? { players: 0, lost: 0 };
    this.bots = { ...bots, players: Math.max(before.players, bots.players), lost: before.lost + bots.lost };
  }

  result(): RunSummary {
    const { seen, bots } = this;
    return {
      regions: this.regions,
      serversSpawned: seen.spawned,
      scaleUps: seen.ups,
      scaleDowns: seen.downs,
      serversKilled: seen.killed,
      playersRouted: seen.routed,
      playersMoved: seen.moved,
      playersLost: Math.max(seen.lost, bots?.lost ?? 0),
      maxSeatsOver: this.over,
      spawnMs: { p50: percentile(this.spawnMs, 50), p99: percentile(this.spawnMs, 99) },
      routeMs: bots?.routeMs ?? { p50: null, p99: null },
      maxRestoredAgeMs: this.restoredAgeMs,
      bots: bots?.players ?? 0,
    };
  }

  private ready(serverId: string, atMs: number): void {
    const spawnedAt = this.spawnedAt.get(serverId);
    if (spawnedAt === undefined) return;
    this.spawnedAt.delete(serverId);
    this.spawnMs.push(atMs - spawnedAt);
  }

  private restored(ageMs: unknown): void {
    if (typeof ageMs === "number") this.restoredAgeMs = Math.max(this.restoredAgeMs ?? 0, ageMs);
  }
}
