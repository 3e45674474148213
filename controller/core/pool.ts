import type { GameServer } from "./game-server";
import { LabelShelves } from "./label-shelves";

/** Servers with more free seats than this share the last bucket: such a server fits anyone. */
const BUCKETS = 1024;
/** Empty servers may differ in size; so many are looked at for one that is large enough. */
const EMPTY_LOOKS = 256;

/** A set of servers with constant-time add, remove and pick; each server remembers its slot. */
class Shelf {
  readonly servers: GameServer[] = [];
  private cursor = 0;

  constructor(private readonly slotOf: "slot" | "emptySlot") {}

  add(server: GameServer): void {
    server[this.slotOf] = this.servers.length;
    this.servers.push(server);
  }

  remove(server: GameServer): void {
    const slot = server[this.slotOf];
    const last = this.servers.pop();
    if (last && last !== server) {
      this.servers[slot] = last;
      last[this.slotOf] = slot;
    }
    server[this.slotOf] = -1;
  }

  /**
   * Up to `most` of them into `into`, from a place that moves on, so that a long shelf is looked at evenly.
   * At most `looks` are looked at.
   */
  take(most: number, looks: number, into: GameServer[], wanted: (server: GameServer) => boolean): void {
    const { servers } = this;
    const length = servers.length;
    if (length === 0) return;
    const start = length > most ? this.cursor++ % length : 0;
    const end = Math.min(length, looks);
    for (let i = 0; i < end && into.length < most; i++) {
      const server = servers[(start + i) % length];
      if (server && wanted(server)) into.push(server);
    }
  }
}

/**
 * The servers of one version and set of mods that have room, by how many seats are free. Finding one with at least n
 * free seats costs the same with ten servers as with ten thousand: a bit map says which buckets have any.
 */
export class Pool {
  private readonly buckets: (Shelf | undefined)[] = [];
  private readonly bits = new Uint32Array(BUCKETS / 32);
  private readonly empties = new Shelf("emptySlot");
  private readonly labelled = new LabelShelves();
  size = 0;
  /** Seats that may be given now. */
  free = 0;

  constructor(
    readonly version: string,
    readonly mods: readonly string[],
  ) {}

  put(server: GameServer, free: number, empty: boolean): void {
    const bucket = Math.min(free, BUCKETS - 1);
    let shelf = this.buckets[bucket];
    if (!shelf) this.buckets[bucket] = shelf = new Shelf("slot");
    shelf.add(server);
    server.pool = this;
    server.bucket = bucket;
    this.bits[bucket >> 5] = (this.bits[bucket >> 5] ?? 0) | (1 << (bucket & 31));
    if (empty) {
      this.empties.add(server);
      this.labelled.add(server);
    }
    this.size++;
    this.free += server.countedFree;
  }

  drop(server: GameServer): void {
    const shelf = this.buckets[server.bucket];
    if (!shelf) return;
    shelf.remove(server);
    if (shelf.servers.length === 0) {
      this.bits[server.bucket >> 5] = (this.bits[server.bucket >> 5] ?? 0) & ~(1 << (server.bucket & 31));
    }
    if (server.emptySlot >= 0) {
      this.empties.remove(server);
      this.labelled.remove(server);
    }
    server.pool = null;
    server.bucket = -1;
    this.size--;
    this.free -= server.countedFree;
  }

  fits(seats: number): boolean {
    return this.above(seats) >= 0;
  }

  get emptyCount(): number {
    return this.empties.servers.length;
  }

  /** Whole servers that nobody is on, for a match of so many. */
  takeEmpty(seats: number, most: number, into: GameServer[]): void {
    this.empties.take(most, EMPTY_LOOKS, into, (server) => server.maxPlayers >= seats);
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

  /** Up to `most` servers with room for so many: the fullest first (`pack`) or the emptiest (`spread`). */
  take(seats: number, strategy: "pack" | "spread", most: number, into: GameServer[]): void {
    const any = (): boolean => true;
    let bucket = strategy === "pack" ? this.above(seats) : this.below(BUCKETS - 1);
    while (bucket >= seats && into.length < most) {
      this.buckets[bucket]?.take(most, most, into, any);
      bucket = strategy === "pack" ? this.above(bucket + 1) : this.below(bucket - 1);
    }
  }

  /** The first bucket from `from` up that has servers; -1 where there is none. */
  private above(from: number): number {
    if (from >= BUCKETS) return -1;
    let word = from >> 5;
    let bits = (this.bits[word] ?? 0) & (-1 << (from & 31));
    while (bits === 0) {
      if (++word >= this.bits.length) return -1;
      bits = this.bits[word] ?? 0;
    }
    return (word << 5) + (31 - Math.clz32(bits & -bits));
  }

  /** The first bucket from `from` down that has servers; -1 where there is none. */
  private below(from: number): number {
    if (from < 0) return -1;
    let word = from >> 5;
    const keep = from & 31;
    let bits = (this.bits[word] ?? 0) & (keep === 31 ? -1 : (1 << (keep + 1)) - 1);
    while (bits === 0) {
      if (--word < 0) return -1;
      bits = this.bits[word] ?? 0;
    }
    return (word << 5) + (31 - Math.clz32(bits));
  }
}
