import { checkTicket, peekTicket, serverTicketKey, type TicketCheck } from "../protocol/ticket";
import type { GameServer } from "./game-server";
import { sdkProblem, type SdkAnswer } from "./sdk-problem";

const REASONS = {
  ticketForeign: "the ticket's seat belongs to another player",
  ticketReplayed: "this ticket's player is on the server already; say rejoin: true where the same player has come back",
  seatGone: "the seat was given back: its lease is over, or the player left or was moved",
  olderGeneration: "the player's session has a newer ticket",
} as const;

/**
 * A player at the door: the ticket's seal, place and time are checked, and then the seat is asked for.
 * @param again the server says that this is the player who is in already
 */
export function admit(
  server: GameServer,
  ticket: string,
  again: boolean,
  { nowMs, ticketSecrets }: { readonly nowMs: number; readonly ticketSecrets: readonly string[] },
): SdkAnswer {
  const claims = peekTicket(ticket);
  if (!claims) return sdkProblem("ticketMalformed", "a ticket is two base64url parts joined by a dot");
  const { serverId, allocationId } = server;
  if (claims.serverId !== serverId || claims.allocationId !== allocationId) {
    const { serverId: other, allocationId: place } = claims;
    const keys = ticketSecrets.map((secret) => serverTicketKey(secret, other, place));
    if (!keys.some((key) => checkTicket(key, ticket, undefined).ok))
      return sdkProblem("ticketSignature", "no server of this run has sealed this ticket");
    return sdkProblem("ticketForeign", `the ticket is for server ${claims.serverId}, this is ${serverId}`);
  }
  // A player who comes back holds the seat, not the ticket's few seconds.
  const inside = again && server.book.state.seats.get(claims.sessionId)?.joinedAtMs !== undefined;
  const checks = server.ticketKeys.map((key) => checkTicket(key, ticket, inside ? undefined : nowMs));
  const check = checks.find(({ ok }) => ok) ?? checks.find(isExpired) ?? { ok: false, problem: "signature" };
  if (!check.ok) {
    return check.problem === "expired"
      ? sdkProblem("ticketExpired", `the ticket ended ${Math.round(nowMs - claims.expiresAtMs)} ms ago`)
      : sdkProblem("ticketSignature", "this server's tickets are sealed otherwise");
  }
  const joined = server.book.join(claims, again, nowMs);
  if (!joined.ok) return sdkProblem(joined.problem, REASONS[joined.problem]);
  const { seat } = joined;
  if (!joined.again) server.seats.joined(seat);
  const restore = server.saved.of(seat.playerId) ?? seat.restore;
  const savedAtMs = restore && ("atMs" in restore ? restore.atMs : restore.savedAtMs);
  return {
    status: 200,
    body: {
      admitted: true,
      playerId: seat.playerId,
      sessionId: seat.sessionId,
      generation: seat.generation,
      restore:
        restore && savedAtMs !== undefined ? { data: restore.data, ageMs: Math.max(0, nowMs - savedAtMs) } : null,
    },
  };
}

function isExpired(check: TicketCheck): boolean {
  return !check.ok && check.problem === "expired";
}
