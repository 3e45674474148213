import type { Session } from "../../core/resources";
import { ProblemError } from "../../problems";
import { type ApiContext, ask } from "../api-context";
import type { Caller } from "../caller";

export function notYours(what: string, { actor }: Caller): ProblemError {
  return new ProblemError("notYours", `${what} is not ${actor.role} ${JSON.stringify(actor.sub)}'s`);
}

/** A ticket opens its own session; a player's token theirs; a server's token those on it. */
export async function requireOwnSession(sessionId: string, caller: Caller, api: ApiContext): Promise<void> {
  if (caller.ticket) {
    if (caller.ticket.sessionId === sessionId) return;
    throw new ProblemError("ticketForeign", `this ticket is for session ${caller.ticket.sessionId}, not ${sessionId}`);
  }
  const session = await ask(api, caller, { type: "getSession", sessionId });
  if (!isOwn(session, caller)) throw notYours(`session ${sessionId}`, caller);
}

function isOwn(session: Session, { actor }: Caller): boolean {
  return actor.role === "server" ? session.serverId === actor.sub : session.playerId === actor.sub;
}
