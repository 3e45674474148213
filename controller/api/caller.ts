import { checkTicket, peekTicket, serverTicketKey, type TicketClaims } from "../../protocol/ticket";
import { ProblemError } from "../problems";
import { ALL_REGIONS, type Tokens } from "../tokens";
import type { Access, Grant } from "./access";
import type { Actor } from "./backend";

/** Who makes a call. */
export interface Identity {
  readonly actor: Actor;
  /** Of a player who showed a ticket; it opens the ticket's own session only. */
  readonly ticket: TicketClaims | undefined;
}

/** Who makes a call, and how far their right to it goes. */
export interface Caller extends Identity {
  readonly grant: Grant;
}

/** Of calls that need no credentials. */
const ANYONE: Identity = { actor: { sub: "anyone", role: "viewer", regions: [] }, ticket: undefined };

export interface Credentials {
  readonly tokens: Tokens;
  /** The run's; tickets of all its servers derive from one of them. */
  readonly ticketSecrets: () => readonly string[];
}

/**
 * Reads `Authorization`.
 * @throws {ProblemError} 401 where it does not say who asks, 403 where it is a ticket and the call takes none
 */
export function authenticate(
  authorization: string | undefined,
  access: Access,
  { tokens, ticketSecrets }: Credentials,
): Identity {
  if (access.public) return ANYONE;
  if (authorization === undefined)
    throw unauthorized("credentialsMissing", access, "the call needs an Authorization header");
  if (startsWithWord(authorization, "bearer ")) return byToken(authorization.slice(7).trim(), access, tokens);
  if (startsWithWord(authorization, "ticket ")) return byTicket(authorization.slice(7).trim(), access, ticketSecrets());
  throw unauthorized("credentialsMissing", access, "the Authorization header is neither Bearer nor Ticket");
}

/** @throws {ProblemError} roleNotAllowed */
export function authorize({ actor, ticket }: Identity, access: Access): Caller {
  const grant = access.public ? "all" : ticket ? access.ticket : access[actor.role];
  if (grant === undefined)
    throw new ProblemError(
      "roleNotAllowed",
      `${JSON.stringify(actor.sub)} is ${actor.role}; this call is for ${rolesOf(access)}`,
    );
  return { actor, ticket, grant };
}

/** @throws {ProblemError} where the token names other regions */
export function requireRegion(actor: Actor, region: string): void {
  if (!mayIn(actor, region))
    throw new ProblemError(
      "regionNotAllowed",
      `this token is for ${actor.regions.join(", ") || "no region"}, and this is in ${region}`,
    );
}

export function mayIn(actor: Actor, region: string): boolean {
  return actor.regions.includes(region) || actor.regions.includes(ALL_REGIONS);
}

function byToken(token: string, access: Access, tokens: Tokens): Identity {
  const check = tokens.verify(token);
  if (!check.ok) throw unauthorized(check.problem, access, "the bearer token was refused");
  return { actor: check.actor, ticket: undefined };
}

/** A ticket says who is asking even after it expired: following a session is what old tickets are for. */
function byTicket(text: string, access: Access, secrets: readonly string[]): Identity {
  if (!access.ticket)
    throw new ProblemError("roleNotAllowed", `this call takes no ticket; it is for ${rolesOf(access)}`);
  const ticket = peekTicket(text);
  if (!ticket) throw unauthorized("ticketMalformed", access, "the ticket cannot be read");
  const { serverId, allocationId } = ticket;
  const sealed = secrets.some(
    (secret) => checkTicket(serverTicketKey(secret, serverId, allocationId), text, undefined).ok,
  );
  if (!sealed) throw unauthorized("ticketSignature", access, "the ticket was refused");
  return { actor: { sub: ticket.playerId, role: "player", regions: [ALL_REGIONS] }, ticket };
}

function startsWithWord(text: string, word: string): boolean {
  return text.slice(0, word.length).toLowerCase() === word;
}

function rolesOf(access: Access): string {
  return Object.keys(access).join(", ");
}

function unauthorized(
  code:
    "credentialsMissing" | "tokenMalformed" | "tokenSignature" | "tokenExpired" | "ticketMalformed" | "ticketSignature",
  access: Access,
  detail: string,
): ProblemError {
  const schemes = access.ticket ? 'Bearer realm="forge", Ticket realm="forge"' : 'Bearer realm="forge"';
  return new ProblemError(code, detail, { headers: { "www-authenticate": schemes } });
}
