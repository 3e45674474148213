import { isEmpty, isPrimary, isTaken, seatsHeld, type GameServer } from "./game-server";
import { openPlaces } from "./backfill";
import { takesPlayers } from "./lifecycle";
import { NodeShelves } from "./node-shelves";
import { Pool, type PoolChoice } from "./pool";

/**
 * Where a fleet's servers stand by version, mods and free seats, and what they add up to. `update` is called after
 * every change of a server and costs the same however many there are.
 */
export class FleetIndex {
  private readonly byKey = new Map<string, Pool>();
  /** Those that nobody is on. */
  readonly freeByNode = new NodeShelves();
  /** Servers of a match that wants more players. */
  readonly backfill = new Set<GameServer>();
  /** Servers up and in use or ready for it; suspect, starting and ending ones are not among them. */
  usable = 0;
  /** Seats taken or promised on usable servers, and their seats in all. */
  held = 0;
  seats = 0;
  /** Seats that may be given now. */
  free = 0;
  /** Of `held`, by version. */
  private readonly heldBy = new Map<string, number>();
  /** How many of the servers with free seats are to be taken last. */
  private last = 0;
  private cpuSum = 0;
  private cpuCount = 0;

  /**
   * Puts a server where it now belongs. `open`: its agent can be asked for seats.
   * @param quality 0 to 1: how good it is for a player, apart from how full; 0.5 where nothing is known
   */
  update(server: GameServer, open: boolean, quality = 0.5, choice: PoolChoice = "any"): void {
    this.remove(server);
    if (!isPrimary(server) || !takesPlayers(server.state) || server.closing !== "open") return;
    const held = Math.min(server.maxPlayers, seatsHeld(server));
    server.counted = true;
    server.countedHeld = isTaken(server) ? server.maxPlayers : held;
    this.usable++;
    this.held += server.countedHeld;
    this.count(server, 1);
    this.seats += server.maxPlayers;
    server.countedCpu = server.stats ? server.stats.cpu : null;
    if (server.countedCpu !== null) {
      this.cpuSum += server.countedCpu;
      this.cpuCount++;
    }
    if (open && choice === "any" && openPlaces(server) > 0) this.backfill.add(server);
    const free = server.maxPlayers - server.countedHeld;
    if (!open || free <= 0 || server.keptFor) return;
    server.countedFree = free;
    this.free += free;
    const empty = isEmpty(server);
    this.poolOf(server, choice).put(server, free, empty, quality);
    if (empty) this.freeByNode.add(server);
    if (choice === "last") this.last++;
  }

  remove(server: GameServer): void {
    if (!server.counted) return;
    server.counted = false;
    this.backfill.delete(server);
    this.usable--;
    this.held -= server.countedHeld;
    this.count(server, -1);
    this.seats -= server.maxPlayers;
    this.free -= server.countedFree;
    if (server.countedCpu !== null) {
      this.cpuSum -= server.countedCpu;
      this.cpuCount--;
    }
    if (server.pool?.choice === "last") this.last--;
    server.pool?.drop(server);
    this.freeByNode.remove(server);
    server.countedFree = 0;
  }

  get hasLast(): boolean {
    return this.last > 0;
  }

  /** Pools, empty ones included, until `prune`. */
  pools(): IterableIterator<Pool> {
    return this.byKey.values();
  }

  /** Empty servers of a version: those that take whoever comes, and may be closed. */
  empty(version: string): number {
    let count = 0;
    for (const pool of this.byKey.values()) if (pool.version === version) count += pool.emptyCount;
    return count;
  }

  /** Of all versions. */
  get emptyCount(): number {
    let count = 0;
    for (const pool of this.byKey.values()) count += pool.emptyCount;
    return count;
  }

  /** Seats of a version that may be given now. */
  freeOf(version: string): number {
    let count = 0;
    for (const pool of this.byKey.values()) if (pool.version === version) count += pool.free;
    return count;
  }

  /** Seats taken or promised on usable servers of a version. */
  heldOf(version: string): number {
    return this.heldBy.get(version) ?? 0;
  }

  private count({ version, countedHeld }: GameServer, sign: 1 | -1): void {
    const held = (this.heldBy.get(version) ?? 0) + sign * countedHeld;
    if (held === 0) this.heldBy.delete(version);
    else this.heldBy.set(version, held);
  }

  /** Mean share of the CPU asked for, over usable servers that have told theirs; undefined where none has. */
  cpu(): number | undefined {
    return this.cpuCount === 0 ? undefined : Math.max(0, this.cpuSum / this.cpuCount);
  }

  /** Drops pools that no server stands in: versions come and go. */
  prune(): void {
    for (const [key, pool] of this.byKey) if (pool.size === 0) this.byKey.delete(key);
  }

  private poolOf({ poolKey, version, mods }: GameServer, choice: PoolChoice): Pool {
    const key = choice === "any" ? poolKey : `${choice} ${poolKey}`;
    let pool = this.byKey.get(key);
    if (!pool) this.byKey.set(key, (pool = new Pool(version, mods, choice)));
    return pool;
  }
}

/** Every mod that was asked for is on the server. */
export function hasMods(asked: readonly string[], there: readonly string[]): boolean {
  return asked.every((mod) => there.includes(mod));
}
