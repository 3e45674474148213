import type { GameServer } from "./game-server";
import { LabelShelves } from "./label-shelves";
import type { Offers } from "./offers";
import { Shelf } from "./shelf";
import { BUCKETS, Tier } from "./tier";

/** Empty servers may differ in size; so many are looked at for one that is large enough. */
const EMPTY_LOOKS = 256;

/** How many steps of quality are told apart: see `Pool.offer`. */
export const TIERS = 16;

/** `last`: its servers get players only where no other has room, as their node is isolated. */
export type PoolChoice = "any" | "last";

/**
 * The servers of one version, size and set of mods that have room, by how good they are apart from how full, and by how many
 * seats are free. Which of them are the best for a group costs the same with ten servers as with ten thousand.
 */
export class Pool {
  private readonly tiers: (Tier | undefined)[] = [];
  /** A bit for each tier that has servers. */
  private used = 0;
  private readonly empties = new Shelf("emptySlot");
  private readonly labelled = new LabelShelves();
  size = 0;
  /** Seats that may be given now. */
  free = 0;

  constructor(
    readonly version: string,
    readonly mods: readonly string[],
    readonly choice: PoolChoice = "any",
  ) {}

  /** @param quality 0 to 1: how good it is for a player, apart from how full */
  put(server: GameServer, free: number, empty: boolean, quality: number): void {
    const at = Math.max(0, Math.min(TIERS - 1, Math.floor(quality * TIERS)));
    const tier = (this.tiers[at] ??= new Tier());
    server.pool = this;
    server.tier = at;
    server.bucket = tier.add(server, free);
    this.used |= 1 << at;
    if (empty) {
      this.empties.add(server);
      this.labelled.add(server);
    }
    this.size++;
    this.free += server.countedFree;
  }

  drop(server: GameServer): void {
    const tier = this.tiers[server.tier];
    if (!tier) return;
    tier.remove(server, server.bucket);
    if (tier.empty) this.used &= ~(1 << server.tier);
    if (server.emptySlot >= 0) {
      this.empties.remove(server);
      this.labelled.remove(server);
    }
    server.pool = null;
    server.tier = -1;
    server.bucket = -1;
    this.size--;
    this.free -= server.countedFree;
  }

  fits(seats: number): boolean {
    if (seats >= BUCKETS) return false;
    for (let left = this.used; left !== 0; left &= left - 1)
      if (this.tiers[31 - Math.clz32(left & -left)]?.emptiest(seats)) return true;
    return false;
  }

  get emptyCount(): number {
    return this.empties.servers.length;
  }

  /** Whole servers that nobody is on, for a match of so many. */
  takeEmpty(seats: number, most: number, into: GameServer[]): void {
    this.empties.takeWanted(most, EMPTY_LOOKS, into, (server) => server.maxPlayers >= seats);
  }

  /** The same of those with all these labels; `label-shelves.ts` says what it costs and may miss. */
  takeLabelled(labels: Readonly<Record<string, string>>, seats: number, most: number, into: GameServer[]): void {
    if (Object.keys(labels).length === 0) this.takeEmpty(seats, most, into);
    else this.labelled.find(labels, most, into, (server) => server.maxPlayers >= seats);
  }

  /** Nobody-on-it servers, all of them: for scaling down, which is rare. */
  emptyServers(): readonly GameServer[] {
    return this.empties.servers;
  }

  /**
   * Of each tier the fullest servers with room for so many, or the emptiest, with about the score that they have: the best
   * server of all is among them, but for what one tier holds together.
   * @param fullness what a server's share of taken seats counts: positive packs, negative spreads
   * @param quality what the best quality counts
   */
  offer(seats: number, fullness: number, quality: number, into: Offers): void {
    for (let left = this.used; left !== 0; left &= left - 1) {
      const at = 31 - Math.clz32(left & -left);
      const tier = this.tiers[at];
      const shelf = fullness > 0 ? tier?.fullest(seats) : tier?.emptiest(seats);
      const server = shelf?.servers[0];
      if (!shelf || !server) continue;
      const full = server.countedHeld / server.maxPlayers;
      into.add(shelf, fullness * full + (quality * (at + 0.5)) / TIERS);
    }
  }

  /** A server with the most free seats, where these are at least so many. */
  emptiest(seats: number): GameServer | undefined {
    let best: GameServer | undefined;
    for (let left = this.used; left !== 0; left &= left - 1) {
      const server = this.tiers[31 - Math.clz32(left & -left)]?.emptiest(seats)?.servers[0];
      if (server && (!best || server.countedFree > best.countedFree)) best = server;
    }
    return best;
  }
}
