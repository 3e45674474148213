import type { AgentNode } from "./agent-node";
import type { Fleet } from "./fleet";
import { answerFollowers } from "./follow";
import type { GameServer } from "./game-server";
import { release } from "./owed";
import { newSession, type NewSession, type PlayerSession } from "./player-session";
import { forgetAtAgent } from "./servers";
import type { CoreState } from "./state";

/** Opens a session that has no seat yet. */
export function openSession(s: CoreState, fleet: Fleet, of: NewSession): PlayerSession {
  const session = newSession(of);
  s.sessions.set(session.id, session);
  fleet.players.set(session.playerId, session);
  return session;
}

/** Takes a session off its server in the core's view. */
export function unseat(s: CoreState, session: PlayerSession): void {
  const server = session.server;
  if (!server) return;
  session.server = null;
  server.seats.delete(session);
  s.reindex(server);
  forgetAtAgent(s, server);
}

/** Gives a seat back at the agent that holds it; owed where the agent is silent. */
export function releaseAt(
  s: CoreState,
  server: GameServer,
  seats: readonly { readonly sessionId: string; readonly generation: number }[],
  reason: string,
): void {
  const { nodeId, allocationId, id: serverId } = server;
  if (nodeId === null || allocationId === null || seats.length === 0 || server.state === "terminated") return;
  const node = s.node(nodeId);
  for (const { sessionId, generation } of seats) {
    release(s, node, { serverId, allocationId, sessionId, generation, reason });
  }
}

export interface EndOptions {
  /** Give its seat back at the agent. */
  readonly release: boolean;
  /** What else to tell beside `session.ended`. */
  readonly also?: "session.left" | "session.lost";
}

/** Ends a session for good; its followers are told. Ending an ended one does nothing. */
export function endSession(s: CoreState, session: PlayerSession, reason: string, options: EndOptions): void {
  if (session.state === "ended") return;
  const { server } = session;
  const fleet = s.fleet(session.experienceId);
  if (options.also) s.out.session(options.also, session, reason);
  session.state = "ended";
  session.endedAtMs = s.nowMs;
  session.reason = reason;
  if (session.announced) s.out.session("session.ended", session, reason);
  if (fleet.players.get(session.playerId) === session) fleet.players.delete(session.playerId);
  leaveTwin(fleet, session);
  s.endedSessions.add(session, s.nowMs);
  if (server) {
    if (options.release) releaseAt(s, server, [{ sessionId: session.id, generation: session.generation }], reason);
    s.saved.dropPlayer(server.id, session.playerId);
    session.lastServerId = server.id;
    unseat(s, session);
  }
  session.ticket = null;
  session.restore = null;
  leaveGroup(s, fleet, session);
  answerFollowers(s, session);
}

/** Its seat was given back. At whose word its agent does not say: where it may have been another leader's, only that one knows why. */
export function seatGone(
  s: CoreState,
  node: AgentNode,
  session: PlayerSession,
  reason: string,
  also: Pick<EndOptions, "also"> = {},
): void {
  if (session.state === "ended") return;
  session.unsure = !s.leader || node.epochTold !== s.epoch;
  endSession(s, session, reason, { release: false, ...also });
}

/** Its player is on the server: where an earlier leader had opened another session, that one is over. */
export function settleTwin(s: CoreState, session: PlayerSession): void {
  const { twin } = session;
  if (!twin) return;
  const older = twin.joined && twin.connectedAtMs > session.connectedAtMs ? session : twin;
  endSession(s, older, "the player has another session here", { release: true });
}

/** The player's other session is the only one again. */
function leaveTwin(fleet: Fleet, session: PlayerSession): void {
  const { twin } = session;
  if (!twin) return;
  session.twin = twin.twin = null;
  fleet.players.set(twin.playerId, twin);
}

/** Takes an ended session out of a group that waits; one that is being granted finds out when the answer comes. */
function leaveGroup(s: CoreState, fleet: Fleet, session: PlayerSession): void {
  const { group } = session;
  session.group = null;
  if (!group?.waiting) return;
  fleet.line.remove(group);
  const at = group.sessions.indexOf(session);
  if (at >= 0) group.sessions.splice(at, 1);
  if (group.sessions.length > 0) fleet.line.add(group);
  else s.emptied.push(group);
  s.dirty.add(fleet);
}
