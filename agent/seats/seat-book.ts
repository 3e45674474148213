import type { ExpectedServer, NackCode, SeatRequest } from "../../protocol/messages";
import type { TicketClaims } from "../../protocol/ticket";
import { seenByCount, seenByName, seenJoining, seenLeaving } from "./observed-players";
import type { Seat, SeatKey, SeatRecord } from "./seat-record";
import { SeatState } from "./seat-state";

/** Which of a server's declarations the book decides by. */
export type SeatRules = Pick<ExpectedServer, "seats" | "maxPlayers">;

export type Refusal = { readonly ok: false; readonly code: NackCode; readonly detail: string };
export type Granted = { readonly ok: true; readonly seats: readonly Seat[] } | Refusal;
export type JoinProblem = "ticketForeign" | "ticketReplayed" | "seatGone" | "olderGeneration";
export type Joined =
  | { readonly ok: true; readonly seat: Seat; readonly again: boolean }
  | { readonly ok: false; readonly problem: JoinProblem };

/** A session that has lost its seat here. */
export type Dropped = SeatKey & { readonly playerId: string };

/**
 * The only arbiter of full, empty and closed for one server. It decides on what it knows, at once and without waiting;
 * each change is a record, which the journal keeps before anyone is told.
 *
 *     seat      (none) -- grant, claim --> leased -- join --> joined -- leave, release, match ended --> (none)
 *                                          leased -- lease over, release --> (none)
 *     server    open -- claim --> claimed -- ready again --> open          any -- close --> closed, for good
 *
 * The higher generation of a session wins: a lower one is refused, and a higher one takes the lower one's seat over.
 */
export class SeatBook {
  readonly state = new SeatState();

  /** @param onRecord told of each record just before it is applied to `state` */
  constructor(
    private rules: SeatRules,
    private readonly onRecord: (record: SeatRecord) => void,
  ) {}

  /** A server may be told again with other numbers; seats that are held stay held. */
  become(rules: SeatRules): void {
    this.rules = rules;
  }

  /** Seats that a grant can still have; 0 where there are more players than seats. */
  get free(): number {
    return Math.max(0, this.rules.maxPlayers - this.occupied);
  }

  /** Nobody on, nobody on the way, no match. */
  get empty(): boolean {
    return this.occupied === 0 && !this.state.claim && !this.state.selfAllocated;
  }

  /**
   * All of the seats or none. Asking again for a seat that is held changes nothing but its lease, which starts anew; that
   * goes on when the server is closed: who has a seat there may still need its ticket.
   * @param leaseMs how long a seat waits for its player
   */
  grant(requests: readonly SeatRequest[], leaseMs: number, nowMs: number): Granted {
    const problem = this.isGone() ?? malformed(requests) ?? this.older(requests);
    if (problem) return problem;
    const fresh = requests.filter((request) => this.held(request) === undefined);
    const refusal =
      fresh.length === 0
        ? undefined
        : (this.notOpen() ?? this.notPlayable(nowMs) ?? this.claimed(fresh) ?? this.full(fresh));
    if (refusal) return refusal;
    const seats = requests.map((request) => this.seat(request, leaseMs, nowMs));
    const changed = seats.filter((seat) => this.state.seats.get(seat.sessionId) !== seat);
    if (changed.length > 0) this.record({ kind: "granted", seats: changed });
    return { ok: true, seats };
  }

  /** The whole server for one match: it must be empty. Claiming again for the same match is `grant`. */
  claim(matchId: string, requests: readonly SeatRequest[], leaseMs: number, nowMs: number): Granted {
    const { claim } = this.state;
    if (claim?.matchId === matchId)
      return this.grant(
        requests.map((r) => ofMatch(r, matchId)),
        leaseMs,
        nowMs,
      );
    const refusal = this.notOpen() ?? this.notPlayable(nowMs) ?? malformed(requests) ?? this.older(requests);
    if (refusal) return refusal;
    if (claim) return refuse("claimed", `match ${claim.matchId} has this server`);
    if (this.occupied > 0) return refuse("notEmpty", `${this.occupied} seats are held`);
    if (requests.length > this.rules.maxPlayers) return this.fullBy(requests.length);
    const seats = requests.map((request) => this.seat(request, leaseMs, nowMs));
    this.record({ kind: "claimed", matchId, seats });
    return { ok: true, seats };
  }

  /**
   * Admits the holder of a ticket whose seal was checked.
   * @param again the server says that the player of a joined seat has come back
   */
  join(claims: TicketClaims, again: boolean, nowMs: number): Joined {
    const seat = this.state.seats.get(claims.sessionId);
    const highest = seat?.generation ?? this.state.former.get(claims.sessionId) ?? 0;
    if (highest > claims.generation) return { ok: false, problem: "olderGeneration" };
    if (!seat || seat.generation !== claims.generation || this.state.gone) return { ok: false, problem: "seatGone" };
    if (seat.playerId !== claims.playerId) return { ok: false, problem: "ticketForeign" };
    if (seat.joinedAtMs !== undefined) {
      return again ? { ok: true, seat, again: true } : { ok: false, problem: "ticketReplayed" };
    }
    if (leaseIsOver(seat, nowMs)) return { ok: false, problem: "seatGone" };
    this.record({ kind: "joined", sessionId: seat.sessionId, atMs: nowMs });
    return { ok: true, seat: this.state.seats.get(seat.sessionId) ?? seat, again: false };
  }

  /** The player has left the server; a seat that waits for them still waits. */
  leave(playerId: string): readonly Dropped[] {
    return this.drop((seat) => seat.playerId === playerId && seat.joinedAtMs !== undefined);
  }

  /** Gives seats back, up to the generation named; what is not there is given back already. */
  release(keys: readonly SeatKey[]): readonly Dropped[] {
    const newer = keys.filter((key) => (this.state.former.get(key.sessionId) ?? -1) < key.generation);
    const seats = newer.flatMap((key) => {
      const seat = this.state.seats.get(key.sessionId);
      return seat && seat.generation <= key.generation ? [toDropped(seat)] : [];
    });
    // Also of sessions that are not here: a grant of theirs that is still on its way must find that it is too old.
    const effective = newer.filter((key) => (this.state.seats.get(key.sessionId)?.generation ?? 0) <= key.generation);
    if (effective.length > 0) this.record({ kind: "dropped", seats: effective });
    return seats;
  }

  /** Final. With `onlyIfEmpty`, refused while anybody is on or on the way. */
  close(onlyIfEmpty: boolean): { readonly ok: true } | Refusal {
    if (this.state.closed) return { ok: true };
    if (onlyIfEmpty && !this.empty && !this.state.gone) {
      return refuse("notEmpty", this.taken ?? `${this.occupied} seats are held`);
    }
    this.record({ kind: "closed" });
    return { ok: true };
  }

  /** Gives back the seats whose players did not come in time. On a server that is gone they are the controller's to settle. */
  expire(nowMs: number): readonly Dropped[] {
    return this.state.gone ? [] : this.drop((seat) => leaseIsOver(seat, nowMs));
  }

  /** A claim that nobody of ever came to lapses with its last seat, unless the server never tells who comes. */
  lapse(): { readonly matchId: string } | undefined {
    const { claim, seats } = this.state;
    if (!claim || claim.started || seats.size > 0 || claim.sessionIds.length === 0 || this.rules.seats === "match") {
      return undefined;
    }
    this.record({ kind: "matchEnded" });
    return { matchId: claim.matchId };
  }

  /**
   * The server can take players. Said again it ends the match: of a claimed server, and of any with `seats = "match"`.
   * @param repeated the same call for the second time, which says nothing new
   */
  ready(repeated = false): {
    readonly first: boolean;
    readonly matchId: string | undefined;
    readonly dropped: readonly Dropped[];
  } {
    const { ready, reserved, selfAllocated, claim, seats } = this.state;
    const ends = ready && !repeated && (claim !== undefined || (this.rules.seats === "match" && seats.size > 0));
    const dropped = ends ? [...seats.values()].map(toDropped) : [];
    if (ends) this.record({ kind: "matchEnded" });
    const first = !ready || reserved !== undefined || selfAllocated;
    if (first) this.record({ kind: "ready" });
    return { first, matchId: ends ? claim?.matchId : undefined, dropped };
  }

  /** What a query or the log shows, in `observed` counting. */
  observe(seen: { readonly names: readonly string[] } | { readonly count: number }, nowMs: number): Observed {
    if (this.rules.seats !== "observed" || this.state.gone) return NOTHING;
    return this.observed(
      "names" in seen ? seenByName(this.state, seen.names, nowMs) : seenByCount(this.state, seen.count, nowMs),
    );
  }

  observeLine(change: "joined" | "left", player: string, nowMs: number): Observed {
    if (this.rules.seats !== "observed" || this.state.gone) return NOTHING;
    return this.observed(
      change === "joined" ? seenJoining(this.state, player, nowMs) : seenLeaving(this.state, player),
    );
  }

  /** Changes that decide nothing: what a server or its probes say, and what the engine saw. */
  note(record: Extract<SeatRecord, { kind: "reserved" | "selfAllocated" | "health" | "gone" }>): void {
    this.record(record);
  }

  /** Who has the whole server, if anybody. */
  private get taken(): string | undefined {
    const { claim, selfAllocated } = this.state;
    if (claim) return `match ${claim.matchId} has this server`;
    return selfAllocated ? "the server has allocated itself" : undefined;
  }

  private get occupied(): number {
    return this.state.seats.size + this.state.walkIns.count;
  }

  private record(record: SeatRecord): void {
    this.onRecord(record);
    this.state.apply(record);
  }

  private observed(records: readonly SeatRecord[]): Observed {
    const dropped = records.flatMap((record) => (record.kind === "dropped" ? record.seats : []));
    for (const record of records) this.record(record);
    const joined = records.flatMap((record) => {
      const seat = record.kind === "joined" ? this.state.seats.get(record.sessionId) : undefined;
      return seat ? [seat] : [];
    });
    return {
      joined,
      dropped,
      walkIns: records.some(({ kind }) => kind === "walkIns") ? this.state.walkIns.count : undefined,
    };
  }

  private drop(which: (seat: Seat) => boolean): readonly Dropped[] {
    const dropped: Dropped[] = [];
    // Each leave comes here, on servers with up to a thousand seats: they are looked at in place.
    for (const seat of this.state.seats.values()) if (which(seat)) dropped.push(toDropped(seat));
    if (dropped.length > 0) {
      this.record({ kind: "dropped", seats: dropped.map(({ sessionId, generation }) => ({ sessionId, generation })) });
    }
    return dropped;
  }

  /** The seat as it is to be; the very one that is there where nothing changes. */
  private seat(request: SeatRequest, leaseMs: number, nowMs: number): Seat {
    const held = this.held(request);
    const leaseExpiresAtMs = this.rules.seats === "match" ? undefined : nowMs + leaseMs;
    if (held)
      return held.joinedAtMs !== undefined || held.leaseExpiresAtMs === leaseExpiresAtMs
        ? held
        : { ...held, leaseExpiresAtMs };
    const { sessionId, playerId, generation, carry, restore } = request;
    return {
      sessionId,
      playerId,
      generation,
      grantedAtMs: nowMs,
      joinedAtMs: undefined,
      leaseExpiresAtMs,
      carry,
      restore,
    };
  }

  private held(request: SeatRequest): Seat | undefined {
    const seat = this.state.seats.get(request.sessionId);
    return seat?.generation === request.generation ? seat : undefined;
  }

  private isGone(): Refusal | undefined {
    return this.state.gone && refuse("gone", `the server is gone: ${this.state.gone.reason}`);
  }

  private notOpen(): Refusal | undefined {
    return this.isGone() ?? (this.state.closed ? refuse("closed", "the server is closed and will stop") : undefined);
  }

  private notPlayable(nowMs: number): Refusal | undefined {
    const { ready, reserved, selfAllocated, healthy, healthReason } = this.state;
    if (selfAllocated) return refuse("claimed", "the server has allocated itself");
    if (!ready) return refuse("notReady", "the server has not said that it is ready");
    if (reserved && nowMs < (reserved.untilMs ?? Infinity)) return refuse("notReady", "the server has reserved itself");
    if (!healthy) return refuse("unhealthy", healthReason);
    return undefined;
  }

  private claimed(fresh: readonly SeatRequest[]): Refusal | undefined {
    const { claim } = this.state;
    const foreign = claim && fresh.find((request) => request.carry.matchId !== claim.matchId);
    return (
      foreign &&
      refuse("claimed", `match ${claim.matchId} has this server, and session ${foreign.sessionId} is none of its`)
    );
  }

  private full(fresh: readonly SeatRequest[]): Refusal | undefined {
    // A higher generation takes the seat that the lower one has.
    const more = fresh.filter((request) => !this.state.seats.has(request.sessionId)).length;
    return more > 0 && this.occupied + more > this.rules.maxPlayers ? this.fullBy(more) : undefined;
  }

  private fullBy(asked: number): Refusal {
    return refuse("full", `${asked} seats asked for, ${this.free} of ${this.rules.maxPlayers} are free`);
  }

  private older(requests: readonly SeatRequest[]): Refusal | undefined {
    for (const { sessionId, playerId, generation } of requests) {
      const seat = this.state.seats.get(sessionId);
      const highest = seat?.generation ?? this.state.former.get(sessionId) ?? 0;
      if (highest > generation) {
        return refuse(
          "olderGeneration",
          `session ${sessionId} was here with generation ${highest}, after ${generation}`,
        );
      }
      if (seat && seat.playerId !== playerId) {
        return refuse("malformed", `session ${sessionId} belongs to player ${seat.playerId}, not ${playerId}`);
      }
    }
    return undefined;
  }
}

/** What an observation changed; `walkIns` is undefined where their number is as it was. */
export interface Observed {
  readonly joined: readonly SeatKey[];
  readonly dropped: readonly SeatKey[];
  readonly walkIns: number | undefined;
}

const NOTHING: Observed = { joined: [], dropped: [], walkIns: undefined };

function malformed(requests: readonly SeatRequest[]): Refusal | undefined {
  if (requests.length < 2) return undefined;
  const sessions = new Set(requests.map((request) => request.sessionId));
  return sessions.size < requests.length ? refuse("malformed", "a session is named twice in one request") : undefined;
}

function ofMatch(request: SeatRequest, matchId: string): SeatRequest {
  return request.carry.matchId === matchId ? request : { ...request, carry: { ...request.carry, matchId } };
}

function leaseIsOver(seat: Seat, nowMs: number): boolean {
  return seat.leaseExpiresAtMs !== undefined && nowMs >= seat.leaseExpiresAtMs;
}

function toDropped({ sessionId, generation, playerId }: Seat): Dropped {
  return { sessionId, generation, playerId };
}

function refuse(code: NackCode, detail: string): Refusal {
  return { ok: false, code, detail };
}
