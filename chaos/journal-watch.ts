import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { JournalTruth, type TrueServer } from "../sim/journal-truth";
import { Lasting, type Promises } from "./promises";

/** An agent looks at its leases once a second, and answers to nobody while it is stopped or its disk is full. */
const LATE_LEASE_MS = 5_000;
/** Somebody who was moved may still be on the old server: it is on its way to be told. */
const ON_TWO_MS = 20_000;

/** One agent's journal, read while it is written, by rules that are not the agent's: what it really promised. */
export class JournalWatch {
  truth = new JournalTruth();
  /** No server over its limit so far. */
  mostOver = 0;
  private inode = 0;
  private bytes = 0;
  private epoch = 0;
  private readonly late = new Lasting(LATE_LEASE_MS);

  constructor(
    private readonly region: string,
    folder: string,
    private readonly promises: Promises,
  ) {
    this.file = join(folder, "seats.journal");
    this.hear();
  }

  private readonly file: string;

  /** @param able whether the agent runs and its disk takes what it writes */
  look(nowMs: number, able: boolean): void {
    this.read();
    const late = new Map<string, string>();
    for (const { expect, seats, gone } of this.truth.servers.values()) {
      if (gone !== undefined || !able) continue;
      for (const { sessionId, leaseExpiresAtMs = Infinity } of seats.values())
        if (Date.now() > leaseExpiresAtMs)
          late.set(`${expect.serverId} ${sessionId}`, `${sessionId} on ${expect.serverId} outlives its lease`);
    }
    this.late.look(late, nowMs, (evidence) => this.promises.break("P4", "a lease ends", evidence));
  }

  /** Servers that are not gone, the one with most players first. */
  live(): readonly TrueServer[] {
    return [...this.truth.servers.values()]
      .filter(({ gone, closed }) => gone === undefined && !closed)
      .sort((a, b) => joined(b) - joined(a));
  }

  private read(): void {
    let inode: number;
    try {
      const { ino, size } = statSync(this.file);
      if (ino === this.inode && size === this.bytes) return;
      inode = ino;
      const content = readFileSync(this.file);
      this.bytes = content.length;
      // Written anew, as it is now and then: from its beginning.
      if (inode !== this.inode) this.truth = new JournalTruth();
      this.inode = inode;
      this.hear();
      this.truth.become(content);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    const { epoch } = this.truth;
    if (epoch < this.epoch)
      this.promises.break("P1", "an agent remembers its epoch", `${this.region}: ${epoch} after ${this.epoch}`);
    this.epoch = Math.max(epoch, this.epoch);
  }

  private hear(): void {
    const { truth, promises } = this;
    truth.onLower = ({ expect }, seat, highest) =>
      promises.break(
        "P1",
        "the higher generation wins",
        `${seat.sessionId} was seated on ${expect.serverId} with generation ${String(seat.generation)} after ${String(highest)}`,
      );
    truth.onRecord = () => {
      for (const { expect, seats } of truth.servers.values()) {
        const over = seats.size - expect.maxPlayers;
        if (over <= 0) continue;
        this.mostOver = Math.max(this.mostOver, over);
        promises.break(
          "P1",
          "no server over its limit",
          `${expect.serverId} has ${seats.size} seats of ${expect.maxPlayers}`,
        );
      }
    };
  }
}

/** Whether anybody sits on two servers at once, by the journals of all regions. */
export class SeatedTwice {
  /** How many players were so for longer than it takes to tell them. */
  readonly players = new Set<string>();
  private readonly lasting = new Lasting(ON_TWO_MS);

  constructor(private readonly promises: Promises) {}

  look(watches: readonly JournalWatch[], nowMs: number): void {
    const places = new Map<string, string[]>();
    for (const { truth } of watches)
      for (const { expect, seats, gone } of truth.servers.values())
        for (const { playerId, joinedAtMs } of gone === undefined ? seats.values() : [])
          if (joinedAtMs !== undefined) places.set(playerId, [...(places.get(playerId) ?? []), expect.serverId]);
    const twice = [...places].filter(([, servers]) => servers.length > 1);
    const now = new Map(twice.map(([playerId, servers]) => [playerId, `${playerId} sits on ${servers.join(" and ")}`]));
    this.lasting.look(now, nowMs, (evidence) => {
      this.players.add(evidence.split(" ")[0] ?? "");
      this.promises.break("P1", "one player in one seat", evidence);
    });
  }
}

function joined({ seats }: TrueServer): number {
  return [...seats.values()].filter(({ joinedAtMs }) => joinedAtMs !== undefined).length;
}
