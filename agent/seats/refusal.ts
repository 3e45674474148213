import type { NackCode, SeatRequest } from "../../protocol/messages";
import type { SeatState } from "./seat-state";

/** Why a server gives no seat, as its state has it. Each reason is undefined where it does not hold. */
export type Refusal = { readonly ok: false; readonly code: NackCode; readonly detail: string };

export function refuse(code: NackCode, detail: string): Refusal {
  return { ok: false, code, detail };
}

export function isGone({ gone }: SeatState): Refusal | undefined {
  return gone && refuse("gone", `the server is gone: ${gone.reason}`);
}

export function notOpen(state: SeatState): Refusal | undefined {
  return isGone(state) ?? (state.closed ? refuse("closed", "the server is closed and will stop") : undefined);
}

export function notPlayable(state: SeatState, nowMs: number): Refusal | undefined {
  const { ready, reserved, selfAllocated, healthy, healthReason } = state;
  if (selfAllocated) return refuse("claimed", "the server has allocated itself");
  if (!ready) return refuse("notReady", "the server has not said that it is ready");
  if (reserved && nowMs < (reserved.untilMs ?? Infinity)) return refuse("notReady", "the server has reserved itself");
  if (!healthy) return refuse("unhealthy", healthReason);
  return undefined;
}

/** Who or what is on it already. */
export function notEmpty({ claim, selfAllocated, occupied }: SeatState): Refusal {
  if (claim) return refuse("notEmpty", `match ${claim.matchId} has this server`);
  return refuse("notEmpty", selfAllocated ? "the server has allocated itself" : `${occupied} seats are held`);
}

/** @param fresh requests for seats that are not held yet */
export function isClaimed({ claim }: SeatState, fresh: readonly SeatRequest[]): Refusal | undefined {
  const foreign = claim && fresh.find((request) => request.carry.matchId !== claim.matchId);
  return (
    foreign &&
    refuse("claimed", `match ${claim.matchId} has this server, and session ${foreign.sessionId} is none of its`)
  );
}

/** @param fresh requests for seats that are not held yet */
export function isFull(state: SeatState, maxPlayers: number, fresh: readonly SeatRequest[]): Refusal | undefined {
  // A higher generation takes the seat that the lower one has.
  const more = fresh.filter((request) => !state.seats.has(request.sessionId)).length;
  return more > 0 && state.occupied + more > maxPlayers ? fullBy(state, maxPlayers, more) : undefined;
}

/** @param asked how many more seats than there are */
export function fullBy(state: SeatState, maxPlayers: number, asked: number): Refusal {
  return refuse("full", `${asked} seats asked for, ${state.free(maxPlayers)} of ${maxPlayers} are free`);
}

export function isOlder(state: SeatState, requests: readonly SeatRequest[]): Refusal | undefined {
  for (const { sessionId, playerId, generation } of requests) {
    const seat = state.seats.get(sessionId);
    const highest = seat?.generation ?? state.former.get(sessionId) ?? 0;
    if (highest > generation) {
      return refuse("olderGeneration", `session ${sessionId} was here with generation ${highest}, after ${generation}`);
    }
    if (seat && seat.playerId !== playerId) {
      return refuse("malformed", `session ${sessionId} belongs to player ${seat.playerId}, not ${playerId}`);
    }
  }
  return undefined;
}

export function isMalformed(requests: readonly SeatRequest[]): Refusal | undefined {
  if (requests.length < 2) return undefined;
  const sessions = new Set(requests.map((request) => request.sessionId));
  return sessions.size < requests.length ? refuse("malformed", "a session is named twice in one request") : undefined;
}
