import type { Seat, SeatKey, SeatRecord, WalkIns } from "./seat-record";
import type { SeatState } from "./seat-state";

/**
 * Counting without reports (`seats = "observed"`): what a query or the log says, as records that make the seats agree.
 * A player whose name is a seat's `playerId` sits in it; anybody else is a walk-in, who takes up a seat without one.
 */

/** Names are kept to tell who leaves; a log cannot make them grow without bound. */
const MAX_NAMES = 4096;
const MAX_NAME = 128;

/** What an observation changed; `walkIns` is undefined where their number is as it was. */
export interface Observed {
  readonly joined: readonly SeatKey[];
  readonly dropped: readonly SeatKey[];
  readonly walkIns: number | undefined;
}

export const NOTHING: Observed = { joined: [], dropped: [], walkIns: undefined };

/** Everybody who is on, by name. */
export function seenByName(state: SeatState, names: readonly string[], nowMs: number): SeatRecord[] {
  const on = new Set(names);
  const records: SeatRecord[] = [];
  let seated = 0;
  for (const seat of state.seats.values()) {
    if (on.delete(seat.playerId)) {
      seated += 1;
      if (seat.joinedAtMs === undefined) records.push({ kind: "joined", sessionId: seat.sessionId, atMs: nowMs });
    } else if (seat.joinedAtMs !== undefined) records.push(dropped([seat]));
  }
  // Two players may bear one name, so the number comes from the list and not from the set.
  return [...records, ...walkInsBecome(state, { count: names.length - seated, names: [...on].slice(0, MAX_NAMES) })];
}

/**
 * Only how many are on. Who they are is a guess that keeps the count right: those who come are the oldest leases first,
 * those who go are walk-ins first and then whoever sat longest.
 */
export function seenByCount(state: SeatState, count: number, nowMs: number): SeatRecord[] {
  const seats = [...state.seats.values()];
  const joined = seats
    .filter((seat) => seat.joinedAtMs !== undefined)
    .sort((a, b) => (a.joinedAtMs ?? 0) - (b.joinedAtMs ?? 0));
  const leases = seats.filter((seat) => seat.joinedAtMs === undefined).sort((a, b) => a.grantedAtMs - b.grantedAtMs);
  const change = count - joined.length - state.walkIns.count;
  const come = leases.slice(0, Math.max(0, change));
  const gone = joined.slice(0, Math.max(0, -change - state.walkIns.count));
  const records: SeatRecord[] = come.map(({ sessionId }) => ({ kind: "joined", sessionId, atMs: nowMs }));
  if (gone.length > 0) records.push(dropped(gone));
  return [...records, ...walkInsBecome(state, { count: count - joined.length - come.length + gone.length, names: [] })];
}

/** One line of the log. */
export function seenJoining(state: SeatState, player: string, nowMs: number): SeatRecord[] {
  const seat = seatOf(state, player);
  if (seat) return seat.joinedAtMs === undefined ? [{ kind: "joined", sessionId: seat.sessionId, atMs: nowMs }] : [];
  const name = player.slice(0, MAX_NAME);
  const { names, count } = state.walkIns;
  if (names.includes(name) || names.length >= MAX_NAMES) return [];
  return walkInsBecome(state, { count: count + 1, names: [...names, name] });
}

/** One line of the log. */
export function seenLeaving(state: SeatState, player: string): SeatRecord[] {
  const seat = seatOf(state, player);
  if (seat) return seat.joinedAtMs === undefined ? [] : [dropped([seat])];
  const name = player.slice(0, MAX_NAME);
  const { names, count } = state.walkIns;
  if (!names.includes(name)) return [];
  return walkInsBecome(state, { count: Math.max(0, count - 1), names: names.filter((other) => other !== name) });
}

function seatOf(state: SeatState, player: string): Seat | undefined {
  for (const seat of state.seats.values()) if (seat.playerId === player) return seat;
  return undefined;
}

function dropped(seats: readonly Seat[]): SeatRecord {
  return { kind: "dropped", seats: seats.map(({ sessionId, generation }) => ({ sessionId, generation })) };
}

function walkInsBecome(state: SeatState, walkIns: WalkIns): SeatRecord[] {
  const before = state.walkIns;
  const same =
    before.count === walkIns.count &&
    before.names.length === walkIns.names.length &&
    before.names.every((name, index) => name === walkIns.names[index]);
  return same ? [] : [{ kind: "walkIns", walkIns }];
}
