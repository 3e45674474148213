import type { Group } from "./group";
import type { PlayerSession } from "./player-session";
import type { CoreState } from "./state";

/** Stands between a group's ticket and a member's session; ids hold none. */
const MEMBER = ".";

/**
 * What one player of a waiting group waits with: the group's ticket for the first of a party and for whoever came alone,
 * `TICKET.SESSION` for everybody else, and for all of a group that has lost its server, as players of one match may never
 * have heard of each other. So nobody is answered with the seat of another, who may ask for it too.
 */
export function queueTicketOf(group: Group, session: PlayerSession): string {
  const ticket = group.ticket ?? "";
  return speaksForAll(group, session) ? ticket : `${ticket}${MEMBER}${session.id}`;
}

function speaksForAll({ kind, sessions }: Group, { party, playerId }: PlayerSession): boolean {
  if (kind === "move") return false;
  return party.length > 0 ? party[0] === playerId : sessions.length === 1;
}

/** The parts of a queue ticket: the group's, and the session where it is a member's own; undefined where it is neither. */
export function partsOf(queueTicket: string): { readonly ticket: string; readonly sessionId?: string } | undefined {
  const [ticket = "", sessionId, ...rest] = queueTicket.split(MEMBER);
  if (rest.length > 0) return undefined;
  return sessionId === undefined ? { ticket } : { ticket, sessionId };
}

/** `TICKET.N`, as versions before named members by their number in the group, which changed as others left. */
export function isNumbered(queueTicket: string): boolean {
  return /^\d+$/.test(partsOf(queueTicket)?.sessionId ?? "");
}

export interface Holder {
  readonly group: Group;
  /** Undefined where this player has left the group. */
  readonly session: PlayerSession | undefined;
  /** Holds the group's own ticket: it speaks for the whole party. */
  readonly first: boolean;
}

/** Whom a queue ticket stands for; undefined where it is none of this region's. */
export function holderOf(s: CoreState, queueTicket: string): Holder | undefined {
  const { ticket = "", sessionId } = partsOf(queueTicket) ?? {};
  const group = s.tickets.get(ticket);
  if (!group) return undefined;
  const first = sessionId === undefined;
  const session = group.sessions.find((member) => (first ? speaksForAll(group, member) : member.id === sessionId));
  return { group, session, first };
}
