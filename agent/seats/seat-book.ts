import type { ExpectedServer, SeatRequest } from "../../protocol/messages";
import type { TicketClaims } from "../../protocol/ticket";
import { NOTHING, seenByCount, seenByName, seenJoining, seenLeaving, type Observed } from "./observed-players";
import {
  fullBy,
  isClaimed,
  isFull,
  isGone,
  isMalformed,
  isOlder,
  notEmpty,
  notOpen,
  notPlayable,
  refuse,
  type Refusal,
} from "./refusal";
import type { Seat, SeatKey, SeatRecord } from "./seat-record";
import { SeatState } from "./seat-state";

/** Which of a server's declarations the book decides by. */
export type SeatRules = Pick<ExpectedServer, "seats" | "maxPlayers">;

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
    return this.state.free(this.rules.maxPlayers);
  }

  /** Nobody on, nobody on the way, no match. */
  get empty(): boolean {
    return this.state.occupied === 0 && !this.state.claim && !this.state.selfAllocated;
  }

  /**
   * All of the seats or none. Asking again for a seat that is held changes nothing but its lease, which starts anew; that
   * goes on when the server is closed: who has a seat there may still need its ticket.
   * @param leaseMs how long a seat waits for its player
   */
  grant(requests: readonly SeatRequest[], leaseMs: number, nowMs: number): Granted {
    const problem = isGone(this.state) ?? isMalformed(requests) ?? isOlder(this.state, requests);
    if (problem) return problem;
    const fresh = requests.filter((request) => this.held(request) === undefined);
    const refusal =
      fresh.length === 0
        ? undefined
        : (this.notForAnybody(nowMs) ??
          isClaimed(this.state, fresh) ??
          isFull(this.state, this.rules.maxPlayers, fresh));
    if (refusal) return refusal;
    const seats = requests.map((request) => this.seat(request, leaseMs, nowMs));
    const changed = seats.filter((seat) => this.state.seats.get(seat.sessionId) !== seat);
    if (changed.length > 0) this.record({ kind: "granted", seats: changed });
    return { ok: true, seats };
  }

  /**
   * The whole server for one match: it must be empty. Claiming again for the same match is `grant`.
   * @param ongoing the match is one that is there: none is begun
   */
  claim(matchId: string, requests: readonly SeatRequest[], leaseMs: number, nowMs: number, ongoing = false): Granted {
    const { claim } = this.state;
    if (claim?.matchId === matchId)
      return this.grant(
        requests.map((r) => ofMatch(r, matchId)),
        leaseMs,
        nowMs,
      );
    const refusal = this.notForAnybody(nowMs) ?? isMalformed(requests) ?? isOlder(this.state, requests);
    if (refusal) return refusal;
    if (claim) return refuse("claimed", `match ${claim.matchId} has this server`);
    if (ongoing) return refuse("matchOver", `match ${matchId} is not on this server any more`);
    if (this.state.occupied > 0) return notEmpty(this.state);
    if (requests.length > this.rules.maxPlayers) return fullBy(this.state, this.rules.maxPlayers, requests.length);
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
    if (onlyIfEmpty && !this.empty && !this.state.gone) return notEmpty(this.state);
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

  private notForAnybody(nowMs: number): Refusal | undefined {
    return notOpen(this.state) ?? notPlayable(this.state, nowMs);
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
