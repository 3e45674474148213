import type { AgentEvent, SeatReport } from "../../protocol/messages";
import type { AgentNode } from "./agent-node";
import type { GameServer } from "./game-server";
import { learnSeats } from "./granted";
import { allocationKey, keepNewest } from "./owed";
import type { CoreState } from "./state";

/** What agents told is kept so long for a server that the engine has not told of, in milliseconds. */
const KEEP_EARLY_MS = 60_000;
/** Of more such servers than this the oldest are forgotten. */
const EARLY_SERVERS = 1000;

/** Seats on a server of which the engine's word is still to come. */
export interface EarlySeats {
  readonly nodeId: string;
  readonly seats: Map<string, SeatReport>;
  matchId: string | undefined;
  readonly sinceMs: number;
}

/**
 * A standby hears of seats on a server that it does not know: the engine's events come another way, later, or not until its
 * list is asked for. What is told of them is kept until the server is known.
 */
export function noteEarly(s: CoreState, nodeId: string, event: AgentEvent): void {
  if (s.leader) return;
  const key = allocationKey(event);
  if (event.kind === "granted") keepEarly(s, nodeId, event, event.seats, event.matchId);
  else if (event.kind === "joined" || event.kind === "left") {
    const seats = s.earlySeats.get(key)?.seats;
    const seat = seats?.get(event.sessionId);
    if (!seats || !seat || seat.generation > event.generation) return;
    if (event.kind === "left") seats.delete(event.sessionId);
    else seats.set(event.sessionId, { ...seat, joined: true });
  } else if (event.kind === "matchEnded") s.earlySeats.delete(key);
}

/** These seats are on a server that is not known yet. */
export function keepEarly(
  s: CoreState,
  nodeId: string,
  server: { readonly serverId: string; readonly allocationId: string },
  seats: readonly SeatReport[],
  matchId: string | undefined,
): void {
  const key = allocationKey(server);
  const early = s.earlySeats.get(key) ?? { nodeId, seats: new Map(), matchId: undefined, sinceMs: s.nowMs };
  for (const seat of seats) early.seats.set(seat.sessionId, seat);
  early.matchId = matchId ?? early.matchId;
  keepNewest(s.earlySeats, key, early, EARLY_SERVERS);
}

/** The server is known by now: so are its seats. One who decides has its agents' whole word. */
export function takeEarly(s: CoreState, node: AgentNode, server: GameServer): void {
  const key = allocationKey({ serverId: server.id, allocationId: server.allocationId ?? "" });
  const early = s.earlySeats.get(key);
  if (early?.nodeId !== node.id) return;
  s.earlySeats.delete(key);
  if (!s.deciding) learnSeats(s, node, server, [...early.seats.values()], early.matchId);
}

/** The node's agent has told all that it has. */
export function dropEarlyOf(s: CoreState, nodeId: string): void {
  for (const [key, early] of s.earlySeats) if (early.nodeId === nodeId) s.earlySeats.delete(key);
}

/** Nobody knows the server after all. */
export function expireEarly(s: CoreState): void {
  for (const [key, { sinceMs }] of s.earlySeats) {
    if (s.nowMs < sinceMs + KEEP_EARLY_MS) return;
    s.earlySeats.delete(key);
  }
}
