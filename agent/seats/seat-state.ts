import { unknownRecord } from "../journal/journal-entry";
import type { Claim, Seat, SeatKey, SeatRecord, SeatStateData, WalkIns } from "./seat-record";

/** How many sessions that are no longer here are remembered, to refuse an older generation of them. */
const MAX_FORMER = 512;

const NOBODY: WalkIns = { count: 0, names: [] };

/** One of the two ends it. What is taken back may come to stand later in the order of seats, which means nothing. */
export interface Checkpoint {
  keep(): void;
  takeBack(): void;
}

/** What is known of one server's seats. `apply` is the only way in: live and replayed state cannot differ. */
export class SeatState {
  ready = false;
  reserved: { readonly untilMs: number | undefined } | undefined;
  selfAllocated = false;
  healthy = true;
  healthReason = "";
  closed = false;
  gone: { readonly reason: string; readonly atMs: number } | undefined;
  claim: Claim | undefined;
  walkIns: WalkIns = NOBODY;
  private seatMap = new Map<string, Seat>();
  private formerMap = new Map<string, number>();
  private undo: (() => void)[] | undefined;

  /** By session. */
  get seats(): ReadonlyMap<string, Seat> {
    return this.seatMap;
  }

  /** By session: the highest generation that was here. Oldest first. */
  get former(): ReadonlyMap<string, number> {
    return this.formerMap;
  }

  /** Seats and walk-ins. */
  get occupied(): number {
    return this.seats.size + this.walkIns.count;
  }

  /** Seats of so many that can still be given; 0 where there are more players than seats. */
  free(maxPlayers: number): number {
    return Math.max(0, maxPlayers - this.occupied);
  }

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
        this.selfAllocated = false;
        return;
      case "reserved":
        this.reserved = { untilMs: record.untilMs };
        this.selfAllocated = false;
        return;
      case "selfAllocated":
        this.reserved = undefined;
        this.selfAllocated = true;
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
      default:
        throw unknownRecord(record);
    }
  }

  toData(): SeatStateData {
    const { ready, reserved, selfAllocated, healthy, healthReason, closed, gone, claim, walkIns } = this;
    const former = [...this.former].map(([sessionId, generation]) => ({ sessionId, generation }));
    return {
      ready,
      reserved,
      selfAllocated,
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

  /**
   * From now on what changes is remembered, until the result is told whether the journal took it. One at a time.
   * Not a copy: there is one for each write of the journal, and a server may have a thousand seats.
   */
  checkpoint(): Checkpoint {
    const { ready, reserved, selfAllocated, healthy, healthReason, closed, gone, claim, walkIns } = this;
    const undo: (() => void)[] = [];
    this.undo = undo;
    return {
      keep: () => (this.undo = undefined),
      takeBack: () => {
        this.undo = undefined;
        for (const step of undo.reverse()) step();
        Object.assign(this, { ready, reserved, selfAllocated, healthy, healthReason, closed, gone, claim, walkIns });
      },
    };
  }

  private restore(data: SeatStateData): void {
    const { ready, reserved, selfAllocated = false, healthy, healthReason, closed, gone, claim, walkIns } = data;
    Object.assign(this, { ready, reserved, selfAllocated, healthy, healthReason, closed, gone, claim, walkIns });
    this.seatMap = new Map(data.seats.map((seat) => [seat.sessionId, seat]));
    this.formerMap = new Map(data.former.map(({ sessionId, generation }) => [sessionId, generation]));
  }

  private put(seats: readonly Seat[]): void {
    for (const seat of seats) {
      this.change(this.seatMap, seat.sessionId, seat);
      this.change(this.formerMap, seat.sessionId, undefined);
    }
  }

  private join(sessionId: string, atMs: number): void {
    const seat = this.seats.get(sessionId);
    if (!seat) return;
    this.change(this.seatMap, sessionId, { ...seat, joinedAtMs: atMs, leaseExpiresAtMs: undefined });
    if (this.claim && !this.claim.started) this.claim = { ...this.claim, started: true };
  }

  private drop({ sessionId, generation }: SeatKey): void {
    const highest = Math.max(generation, this.former.get(sessionId) ?? 0);
    this.change(this.seatMap, sessionId, undefined);
    // Taken out first, so that it comes in again as the newest.
    this.change(this.formerMap, sessionId, undefined);
    this.change(this.formerMap, sessionId, highest);
    if (this.former.size <= MAX_FORMER) return;
    for (const oldest of this.former.keys()) {
      this.change(this.formerMap, oldest, undefined);
      if (this.former.size <= MAX_FORMER) return;
    }
  }

  /** @param value undefined takes the key out */
  private change<Value>(map: Map<string, Value>, key: string, value: Value | undefined): void {
    const before = map.get(key);
    if (before === undefined && value === undefined) return;
    this.undo?.push(() => put(map, key, before));
    put(map, key, value);
  }
}

function put<Value>(map: Map<string, Value>, key: string, value: Value | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
