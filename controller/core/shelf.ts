import type { GameServer } from "./game-server";

/** A set of servers with constant-time add, remove and pick; each server remembers its slot. */
export class Shelf {
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

  /** `most` of them, or all that there are, into `into`, from a place that moves on, so that a long shelf is looked at evenly. */
  take(most: number, into: GameServer[]): void {
    const { servers } = this;
    const { length } = servers;
    const start = length > most ? this.cursor++ % length : 0;
    for (let i = 0; i < Math.min(most, length); i++) {
      const server = servers[(start + i) % length];
      if (server) into.push(server);
    }
  }

  /** The same of those that are wanted; at most `looks` are looked at. `into` has `most` at the end. */
  takeWanted(most: number, looks: number, into: GameServer[], wanted: (server: GameServer) => boolean): void {
    const { servers } = this;
    const { length } = servers;
    if (length === 0) return;
    const start = length > most ? this.cursor++ % length : 0;
    const end = Math.min(length, looks);
    for (let i = 0; i < end && into.length < most; i++) {
      const server = servers[(start + i) % length];
      if (server && wanted(server)) into.push(server);
    }
  }
}
