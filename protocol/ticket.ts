import { createHmac, timingSafeEqual } from "node:crypto";
import * as z from "zod";

/**
 * A ticket is the player's proof of a seat: `base64url(JSON).base64url(HMAC-SHA256)`.
 * Its key belongs to one server and travels only over that server's SDK. The key is derived from the region run's
 * ticket secret, so agents and controllers of a run can check any ticket without asking each other.
 * Checking it offline is a first filter; admission is the agent's answer to `playerJoined(ticket)`.
 */
export interface TicketClaims {
  readonly sessionId: string;
  readonly playerId: string;
  readonly serverId: string;
  readonly allocationId: string;
  readonly generation: number;
  /** Milliseconds since 1970; before the seat's lease ends. */
  readonly expiresAtMs: number;
}

const wire = z.strictObject({
  s: z.string().min(1).max(128),
  p: z.string().min(1).max(128),
  v: z.string().min(1).max(128),
  a: z.string().min(1).max(128),
  g: z.number().int().nonnegative(),
  e: z.number().int().nonnegative(),
});

/** The key that one server checks its players' tickets with. */
export function serverTicketKey(ticketSecret: string, serverId: string, allocationId: string): string {
  return createHmac("sha256", ticketSecret)
    .update(`forge-ticket-key\n${serverId}\n${allocationId}`)
    .digest("base64url");
}

export function sealTicket(serverKey: string, claims: TicketClaims): string {
  const body = Buffer.from(
    JSON.stringify({
      s: claims.sessionId,
      p: claims.playerId,
      v: claims.serverId,
      a: claims.allocationId,
      g: claims.generation,
      e: claims.expiresAtMs,
    }),
  ).toString("base64url");
  return `${body}.${mac(serverKey, body)}`;
}

export type TicketProblem = "malformed" | "signature" | "expired";
export type TicketCheck =
  { readonly ok: true; readonly claims: TicketClaims } | { readonly ok: false; readonly problem: TicketProblem };

/** Reads a ticket's claims without checking its seal: only to find out whose key to check it with. */
export function peekTicket(ticket: string): TicketClaims | undefined {
  if (ticket.length > 2048) return undefined;
  const [body, seal, rest] = ticket.split(".");
  if (!body || !seal || rest !== undefined) return undefined;
  try {
    const { s, p, v, a, g, e } = wire.parse(JSON.parse(Buffer.from(body, "base64url").toString("utf8")));
    return { sessionId: s, playerId: p, serverId: v, allocationId: a, generation: g, expiresAtMs: e };
  } catch {
    return undefined;
  }
}

/** Pass `nowMs` as undefined where an expired ticket still says who is asking (following a session). */
export function checkTicket(serverKey: string, ticket: string, nowMs: number | undefined): TicketCheck {
  const claims = peekTicket(ticket);
  if (!claims) return { ok: false, problem: "malformed" };
  const [body = "", seal = ""] = ticket.split(".");
  const expected = Buffer.from(mac(serverKey, body));
  const given = Buffer.from(seal);
  if (expected.length !== given.length || !timingSafeEqual(expected, given)) return { ok: false, problem: "signature" };
  if (nowMs !== undefined && nowMs >= claims.expiresAtMs) return { ok: false, problem: "expired" };
  return { ok: true, claims };
}

function mac(key: string, body: string): string {
  return createHmac("sha256", key).update(body).digest("base64url");
}
