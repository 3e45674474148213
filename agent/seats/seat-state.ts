import type { Claim, Seat, SeatKey, SeatRecord, SeatStateData, WalkIns } from "./seat-record";

/** How many sessions that are no longer here are remembered, to refuse an older generation of them. */
const MAX_FORMER = 512;

const NOBODY: WalkIns = { count: 0, names: [] };

/** What is known of one server's seats. `apply` is the only way in: live and replayed state cannot differ. */
export class SeatState {
  ready = false;
  reserved: { readonly untilMs: number | undefined } | undefined;
  healthy = true;
  healthReason = "";
  closed = false;
  gone: { readonly reason: string; readonly atMs: number } | undefined;
  claim: Claim | undefined;
  walkIns: WalkIns = NOBODY;
  seats: ReadonlyMap<string, Seat> = new Map();
  /** By session: the highest generation that was here. Oldest first. */
  former: ReadonlyMap<string, number> = new Map();

  apply(record: SeatRecord): void {
    switch (record.kind) {
      case "granted":
        return this.put(record.seats);
      case "claimed":
        this.claim = {
          matchId: record.matchId,
          sessionIds: record.seats.map((seat) => seat.sessionId),
          started: false,
        };
        return this.put(record.seats);
      case "joined":
        return this.join(record.sessionId, record.atMs);
      case "dropped":
        for (const seat of record.seats) this.drop(seat);
        return;
      case "matchEnded":
        for (const seat of this.seats.values()) this.drop(seat);
        this.claim = undefined;
        return;
      case "walkIns":
        this.walkIns = record.walkIns;
        return;
      case "ready":
        this.ready = true;
        this.reserved = undefined;
        return;
      case "reserved":
        this.reserved = { untilMs: record.untilMs };
        return;
      case "health":
        this.healthy = record.healthy;
        this.healthReason = record.reason;
        return;
      case "closed":
        this.closed = true;
        return;
      case "gone":
        this.gone ??= { reason: record.reason, atMs: record.atMs };
        return;
      case "state":
        return this.restore(record.state);
    }
  }

  toData(): SeatStateData {
    const { ready, reserved, healthy, healthReason, closed, gone, claim, walkIns } = this;
    const former = [...this.former].map(([sessionId, generation]) => ({ sessionId, generation }));
    return {
      ready,
      reserved,
      healthy,
      healthReason,
      closed,
      gone,
      claim,
      walkIns,
      seats: [...this.seats.values()],
      former,
    };
  }

  /** Remembers the present state; the result brings it back. */
  checkpoint(): () => void {
    const { ready, reserved, healthy, healthReason, closed, gone, claim, walkIns } = this;
    const seats = new Map(this.seats);
    const former = new Map(this.former);
    return () => {
      Object.assign(this, { ready, reserved, healthy, healthReason, closed, gone, claim, walkIns, seats, former });
    };
  }

  private restore(data: SeatStateData): void {
    const { ready, reserved, healthy, healthReason, closed, gone, claim, walkIns } = data;
    Object.assign(this, { ready, reserved, healthy, healthReason, closed, gone, claim, walkIns });
    this.seats = new Map(data.seats.map((seat) => [seat.sessionId, seat]));
    this.former = new Map(data.former.map(({ sessionId, generation }) => [sessionId, generation]));
  }

  private put(seats: readonly Seat[]): void {
    for (const seat of seats) {
      (this.seats as Map<string, Seat>).set(seat.sessionId, seat);
      (this.former as Map<string, number>).delete(seat.sessionId);
    }
  }

  private join(sessionId: string, atMs: number): void {
    const seat = this.seats.get(sessionId);
    if (!seat) return;
    (this.seats as Map<string, Seat>).set(sessionId, { ...seat, joinedAtMs: atMs, leaseExpiresAtMs: undefined });
    if (this.claim && !this.claim.started) this.claim = { ...this.claim, started: true };
  }

  /** Higher wins: a seat of a higher generation stays. */
  private drop({ sessionId, generation }: SeatKey): void {
    const former = this.former as Map<string, number>;
    const seat = this.seats.get(sessionId);
    if (seat && seat.generation > generation) return;
    (this.seats as Map<string, Seat>).delete(sessionId);
    const highest = Math.max(generation, former.get(sessionId) ?? 0);
    former.delete(sessionId);
    former.set(sessionId, highest);
    for (const oldest of former.keys()) {
      if (former.size <= MAX_FORMER) break;
      former.delete(oldest);
    }
  }
}
