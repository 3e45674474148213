import type { CoreProblem, FollowResult } from "./decision";
import { problem } from "./outbox";
import type { PlayerSession } from "./player-session";
import type { CoreState, Follower } from "./state";
import { endpointView, sessionView } from "./views";

/** A session as its player follows it: with its server and, where it is known, its ticket. */
export function followView(s: CoreState, session: PlayerSession): FollowResult {
  const { elsewhere } = session;
  if (elsewhere)
    return {
      session: elsewhere.session,
      server: elsewhere.server,
      ticket: elsewhere.ticket === "" ? null : elsewhere.ticket,
    };
  const seated = hasSeat(session) ? session.server : null;
  return {
    session: sessionView(s, session),
    server: seated && endpointView(s, seated),
    ticket: seated ? session.ticket : null,
  };
}

/** It has a seat that the player can go to, or is on already. */
export function hasSeat(session: PlayerSession): boolean {
  return session.state === "reserved" || session.state === "active";
}

/**
 * It has a seat that whoever asks was not told of. Two leaders, the second unaware of what the first did last, may have moved it
 * with one generation; until all nodes are heard a seat may be one that was left, so that counts from then on.
 */
export function hasMoved(s: CoreState, { session, afterGeneration, fromServerId }: Follower): boolean {
  if (!hasSeat(session)) return false;
  const elsewhere = s.deciding && fromServerId !== undefined && session.server?.id !== fromServerId;
  return session.generation > afterGeneration || (elsewhere && session.generation === afterGeneration);
}

/** Lets a command wait for the session's next move. */
export function follow(s: CoreState, follower: Follower): void {
  const { id } = follower.session;
  const waiting = s.followers.get(id);
  if (waiting) waiting.push(follower);
  else s.followers.set(id, [follower]);
  s.timers.at(follower.untilMs, () => {
    const still = s.followers.get(id);
    const at = still?.indexOf(follower) ?? -1;
    if (!still || at < 0) return;
    still.splice(at, 1);
    if (still.length === 0) s.followers.delete(id);
    s.out.reply(follower.requestId, followView(s, follower.session));
  });
}

/** The session as it can be told of. */
export function findSession(s: CoreState, sessionId: string): PlayerSession | undefined {
  const session = s.sessions.get(sessionId);
  return session?.unsure ? undefined : session;
}

export function unknownSession(sessionId: string): CoreProblem {
  return problem(
    "unknownSession",
    `there is no session "${sessionId}" in this region; ended ones are forgotten after a minute`,
  );
}

/** Answers those for whom the session has moved far enough, or has ended. */
export function answerFollowers(s: CoreState, session: PlayerSession): void {
  const waiting = s.followers.get(session.id);
  if (!waiting) return;
  const ended = session.state === "ended";
  const left = waiting.filter((follower) => {
    if (!ended && !hasMoved(s, follower)) return true;
    const { requestId } = follower;
    if (session.unsure) s.out.refuse(requestId, unknownSession(session.id));
    else s.out.reply(requestId, followView(s, session));
    return false;
  });
  if (left.length === 0) s.followers.delete(session.id);
  else s.followers.set(session.id, left);
}
