import type { Group } from "./group";
import type { PlayerSession } from "./player-session";
import type { CoreState } from "./state";

/** Stands between a group's ticket and a member's place in its party; ids hold none. */
const MEMBER = ".";

/**
 * What one player of a waiting group waits with: the group's ticket for the first of a party and for whoever is alone,
 * `TICKET.N` for member N. So nobody is answered with the seat of another, who may ask for it too.
 */
export function queueTicketOf({ ticket }: Group, { party, playerId }: PlayerSession): string {
  const place = party.indexOf(playerId);
  return place > 0 ? `${ticket ?? ""}${MEMBER}${String(place)}` : (ticket ?? "");
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
  const [ticket = "", place, ...rest] = queueTicket.split(MEMBER);
  const group = s.tickets.get(ticket);
  if (!group || rest.length > 0) return undefined;
  const session = group.sessions.find((member) => queueTicketOf(group, member) === queueTicket);
  return { group, session, first: place === undefined };
}
