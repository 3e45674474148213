import type { GameServer } from "./game-server";
import { Shelf } from "./shelf";

/** Servers with more free seats than this share the last bucket: such a server fits anyone. */
export const BUCKETS = 1024;

/**
 * Servers that are about equally good but for how full they are, by how many seats are free. Finding the fullest with at
 * least n free seats, or the emptiest, costs the same for any number of servers: a bit says which buckets have any, and a
 * bit for each 32 of those bits which of them are worth a look.
 */
export class Tier {
  private readonly shelves: (Shelf | undefined)[] = [];
  private readonly bits = new Uint32Array(BUCKETS / 32);
  private words = 0;

  /** @returns the bucket that it is in now */
  add(server: GameServer, free: number): number {
    const bucket = Math.min(free, BUCKETS - 1);
    const shelf = (this.shelves[bucket] ??= new Shelf("slot"));
    shelf.add(server);
    const word = bucket >> 5;
    this.bits[word] = (this.bits[word] ?? 0) | (1 << (bucket & 31));
    this.words |= 1 << word;
    return bucket;
  }

  remove(server: GameServer, bucket: number): void {
    const shelf = this.shelves[bucket];
    if (!shelf) return;
    shelf.remove(server);
    if (shelf.servers.length > 0) return;
    const word = bucket >> 5;
    this.bits[word] = (this.bits[word] ?? 0) & ~(1 << (bucket & 31));
    if (this.bits[word] === 0) this.words &= ~(1 << word);
  }

  get empty(): boolean {
    return this.words === 0;
  }

  /** Those with the fewest free seats that are at least so many; undefined where there are none. */
  fullest(seats: number): Shelf | undefined {
    if (seats >= BUCKETS) return undefined;
    const first = seats >> 5;
    const here = (this.bits[first] ?? 0) & (-1 << (seats & 31));
    if (here !== 0) return this.shelves[(first << 5) + lowest(here)];
    const words = first === 31 ? 0 : this.words & (-1 << (first + 1));
    if (words === 0) return undefined;
    const word = lowest(words);
    return this.shelves[(word << 5) + lowest(this.bits[word] ?? 0)];
  }

  /** Those with the most free seats, where these are at least so many. */
  emptiest(seats: number): Shelf | undefined {
    if (this.words === 0) return undefined;
    const word = highest(this.words);
    const bucket = (word << 5) + highest(this.bits[word] ?? 0);
    return bucket >= seats ? this.shelves[bucket] : undefined;
  }
}

function lowest(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}

function highest(bits: number): number {
  return 31 - Math.clz32(bits);
}
