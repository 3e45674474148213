import { HEADING } from "../agent/journal/frames";
import type { JournalEntry } from "../agent/journal/journal-entry";
import type { Seat, SeatRecord } from "../agent/seats/seat-record";
import type { ExpectedServer } from "../protocol/messages";

/** What the journal says of one server in one allocation. */
export interface TrueServer {
  readonly expect: ExpectedServer;
  readonly seats: Map<string, Seat>;
  /** By session: the highest generation that ever had a seat here. */
  readonly highest: Map<string, number>;
  ready: boolean;
  healthy: boolean;
  closed: boolean;
  gone: string | undefined;
  matchId: string | undefined;
}

/** Before each record: its length, its check and the check of both. */
const HEAD_BYTES = 12;

/**
 * What a node has promised, read from the bytes on its disk by rules of its own: not the agent's code, so that a fault in
 * that code shows. Kept up to date with each write.
 */
export class JournalTruth {
  readonly servers = new Map<string, TrueServer>();
  epoch = 0;
  /** Of the last write: what it forgot, which may have been granted seats in the same write. */
  private readonly forgotten = new Map<string, TrueServer>();
  /** Told of a seat that was given with a lower generation than the session has had here. */
  onLower: (server: TrueServer, seat: Seat, highest: number) => void = () => undefined;
  /** Told of the players whom a match is begun or gone on with, and whether the server was claimed for it by them. */
  onPlays: (server: TrueServer, matchId: string, players: readonly string[], begun: boolean) => void = () => undefined;
  /** Told after each record: where several are read at once, what stood between them is seen too. */
  onRecord: () => void = () => undefined;
  /** Told of a journal that was written anew and does not hold what the one before held. */
  onChanged: (before: string, after: string) => void = () => undefined;
  private read = 0;

  /**
   * The journal's file has become this.
   * @param anew another file has taken its place, which is to hold the same
   */
  become(content: Buffer, anew = false): void {
    const before = anew ? this.summary() : undefined;
    const highest = anew ? new Map([...this.servers].map(([id, server]) => [id, server.highest])) : undefined;
    this.forgotten.clear();
    if (anew || content.length < this.read) {
      this.servers.clear();
      this.epoch = 0;
      this.read = 0;
    }
    this.readOn(content);
    if (before !== undefined && before !== this.summary()) this.onChanged(before, this.summary());
    for (const [id, of] of highest ?? [])
      for (const [sessionId, generation] of of) {
        const now = this.servers.get(id)?.highest;
        now?.set(sessionId, Math.max(generation, now.get(sessionId) ?? 0));
      }
  }

  private summary(): string {
    const servers = [...this.servers].map(([id, { seats, ready, healthy, closed, gone, matchId }]) => {
      const held = [...seats.values()].map((seat) => [seat.sessionId, seat.generation, seat.joinedAtMs ?? "lease"]);
      return [id, { seats: held.sort(), ready, healthy, closed, gone, matchId }];
    });
    return JSON.stringify({ epoch: this.epoch, servers: servers.sort() });
  }

  private readOn(content: Buffer): void {
    let at = Math.max(this.read, HEADING.length);
    while (at + HEAD_BYTES <= content.length) {
      const end = at + HEAD_BYTES + content.readUInt32LE(at);
      if (end > content.length) break;
      this.apply(JSON.parse(content.toString("utf8", at + HEAD_BYTES, end)) as JournalEntry);
      this.onRecord();
      at = this.read = end;
    }
  }

  find(serverId: string, allocationId: string): TrueServer | undefined {
    return this.servers.get(key(serverId, allocationId));
  }

  /** The same, also of a server that the last write forgot again. */
  lastKnown(serverId: string, allocationId: string): TrueServer | undefined {
    const id = key(serverId, allocationId);
    return this.servers.get(id) ?? this.forgotten.get(id);
  }

  private apply(entry: JournalEntry): void {
    if (entry.kind === "epoch") {
      this.epoch = Math.max(this.epoch, entry.epoch);
      return;
    }
    if (entry.kind === "expect") {
      const id = key(entry.server.serverId, entry.server.allocationId);
      const known = this.servers.get(id);
      this.servers.set(id, known ? { ...known, expect: entry.server } : fresh(entry.server));
      return;
    }
    const id = key(entry.serverId, entry.allocationId);
    if (entry.kind === "forget") {
      const server = this.servers.get(id);
      if (server) this.forgotten.set(id, server);
      this.servers.delete(id);
      return;
    }
    const server = this.servers.get(id);
    if (server && entry.kind === "seats") this.change(server, entry.record);
  }

  private change(server: TrueServer, record: SeatRecord): void {
    switch (record.kind) {
      case "claimed":
        server.matchId = record.matchId;
        this.onPlays(server, record.matchId, playersOf(record.seats), true);
        return this.grant(server, record.seats);
      case "granted":
        if (server.matchId !== undefined) this.onPlays(server, server.matchId, playersOf(record.seats), false);
        return this.grant(server, record.seats);
      case "joined": {
        const seat = server.seats.get(record.sessionId);
        if (seat) server.seats.set(record.sessionId, { ...seat, joinedAtMs: record.atMs, leaseExpiresAtMs: undefined });
        return;
      }
      case "dropped":
        for (const { sessionId, generation } of record.seats) {
          server.seats.delete(sessionId);
          server.highest.set(sessionId, Math.max(generation, server.highest.get(sessionId) ?? 0));
        }
        return;
      case "matchEnded":
        server.seats.clear();
        server.matchId = undefined;
        return;
      case "ready":
        server.ready = true;
        return;
      case "health":
        server.healthy = record.healthy;
        return;
      case "closed":
        server.closed = true;
        return;
      case "gone":
        server.gone ??= record.reason;
        return;
      case "state": {
        const { ready, healthy, closed, gone, claim, seats } = record.state;
        Object.assign(server, { ready, healthy, closed, gone: gone?.reason, matchId: claim?.matchId });
        server.seats.clear();
        return this.grant(server, seats);
      }
      case "walkIns":
      case "reserved":
      case "selfAllocated":
        return;
    }
  }

  private grant(server: TrueServer, seats: readonly Seat[]): void {
    for (const seat of seats) {
      const highest = server.highest.get(seat.sessionId) ?? 0;
      if (highest > seat.generation) this.onLower(server, seat, highest);
      server.seats.set(seat.sessionId, seat);
      server.highest.set(seat.sessionId, Math.max(seat.generation, highest));
    }
  }
}

function playersOf(seats: readonly Seat[]): string[] {
  return seats.map(({ playerId }) => playerId);
}

function fresh(expect: ExpectedServer): TrueServer {
  return {
    expect,
    seats: new Map(),
    highest: new Map(),
    ready: false,
    healthy: true,
    closed: false,
    gone: undefined,
    matchId: undefined,
  };
}

function key(serverId: string, allocationId: string): string {
  return `${serverId}\n${allocationId}`;
}
