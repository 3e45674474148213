import { createHmac, timingSafeEqual } from "node:crypto";

/** What a ticket says: who may sit where, until when. */
export interface TicketClaims {
  readonly sessionId: string;
  readonly playerId: string;
  readonly serverId: string;
  readonly allocationId: string;
  readonly generation: number;
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number;
}

export type TicketProblem = "malformed" | "signature" | "expired" | "foreign";
export type TicketCheck =
  { readonly ok: true; readonly claims: TicketClaims } | { readonly ok: false; readonly problem: TicketProblem };

/** Longer than any ticket of Forge; longer ones are not even decoded. */
const MAX_TICKET_CHARACTERS = 2048;

/**
 * Checks a ticket without asking anybody: `base64url(JSON).base64url(HMAC-SHA256 of the first part)`.
 * A first filter only: that a seat is still there, and used once, only `playerJoined` knows.
 * @param key the server's `ticketKey`, as the SDK gives it
 * @param ticket as a client sent it: what is no text is malformed
 */
export function checkTicket(key: string, ticket: unknown, nowMs: number): TicketCheck {
  const claims = readTicket(ticket);
  if (claims === undefined || typeof ticket !== "string") return { ok: false, problem: "malformed" };
  const [body = "", seal = ""] = ticket.split(".");
  const expected = Buffer.from(createHmac("sha256", key).update(body).digest("base64url"));
  const given = Buffer.from(seal);
  if (expected.length !== given.length || !timingSafeEqual(expected, given)) return { ok: false, problem: "signature" };
  if (nowMs >= claims.expiresAtMs) return { ok: false, problem: "expired" };
  return { ok: true, claims };
}

/** A ticket's claims as they stand, unchecked; undefined where it is no ticket, whatever else it is: clients send what they like. */
export function readTicket(ticket: unknown): TicketClaims | undefined {
  if (typeof ticket !== "string" || ticket.length > MAX_TICKET_CHARACTERS) return undefined;
  const [body, seal, rest] = ticket.split(".");
  if (!body || !seal || rest !== undefined) return undefined;
  let claims: unknown;
  try {
    claims = JSON.parse(Buffer.from(body, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
  if (typeof claims !== "object" || claims === null) return undefined;
  const { s, p, v, a, g, e, ...more } = claims as Record<string, unknown>;
  if (!isId(s) || !isId(p) || !isId(v) || !isId(a) || !isCount(g) || !isCount(e) || Object.keys(more).length > 0) {
    return undefined;
  }
  return { sessionId: s, playerId: p, serverId: v, allocationId: a, generation: g, expiresAtMs: e };
}

function isId(value: unknown): value is string {
  return typeof value === "string" && value.length >= 1 && value.length <= 128;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
