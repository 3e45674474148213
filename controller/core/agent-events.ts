import type { AgentEvent } from "../../protocol/messages";
import { noteCounts } from "./advice";
import type { AgentNode } from "./agent-node";
import { BACKFILL } from "./backfill";
import { onOwnWish } from "./drain";
import { noteEarly } from "./early-seats";
import { failover, onUnhealthy, parties } from "./failover";
import type { Fleet } from "./fleet";
import { isPrimary, type GameServer } from "./game-server";
import { onGranted } from "./granted";
import { leftEnding } from "./kept-nodes";
import { noteArrival } from "./joined-share";
import { graceOf } from "./launch";
import { matchKey } from "./placement";
import type { PlayerSession } from "./player-session";
import { mark } from "./server-commands";
import { setState } from "./servers";
import { endSession, seatGone, settleTwin } from "./sessions";
import { becameReady, failStart } from "./spawn";
import type { CoreState } from "./state";
import { judge, takeStats } from "./vitals";
import { noLongerWanted } from "./wanted";

/** How long after an agent saw a match server go the engine gets to say how it ended, in milliseconds. */
const EXIT_WAIT_MS = 500;

/** Something happened to a server or a player, told by the node's agent. */
export function onAgentEvent(s: CoreState, nodeId: string, event: AgentEvent): void {
  const server = s.servers.get(event.serverId);
  if (!server || server.nodeId !== nodeId || server.allocationId !== event.allocationId)
    return noteEarly(s, nodeId, event);
  if (server.state === "terminated" && event.kind !== "left") return;
  const fleet = s.fleet(server.experienceId);
  switch (event.kind) {
    case "ready":
      return onReady(s, fleet, server);
    case "reserved":
      return setBusy(s, server, "reserved");
    case "selfAllocated":
      return setBusy(s, server, "allocated");
    case "matchEnded":
      return onMatchEnded(s, fleet, server, event.matchId);
    case "health":
      if (event.healthy) wellAgain(server);
      else onUnhealthy(s, server, event.reason);
      return;
    case "stats":
      return takeStats(s, server, event.stats);
    case "granted":
      return onGranted(s, s.node(nodeId), server, event);
    case "joined":
      return onJoined(s, fleet, server, event);
    case "left":
      return onLeft(s, s.node(nodeId), server, event.sessionId, event.generation, event.reason);
    case "walkIns":
      server.walkIns = event.count;
      if (event.count > 0) noLongerWanted(fleet, server);
      return s.reindex(server);
    case "shutdownAsked":
      return onOwnWish(s, server, "the server asked to be shut down");
    case "gone":
      return onGone(s, server, event.reason);
    case "saved":
      return s.saved.put(event.state);
    case "labels":
      server.labels = { ...event.labels };
      server.annotations = { ...event.annotations };
      return s.reindex(server);
    case "counts":
      server.counters = { ...server.counters, ...event.counters };
      server.lists = { ...server.lists, ...event.lists };
      noteCounts(s, fleet);
      server.tracked = event.tracked ?? server.tracked;
      return s.reindex(server);
  }
}

function onReady(s: CoreState, fleet: Fleet, server: GameServer): void {
  server.ownBusy = false;
  if (server.state === "suspect") server.beforeSuspect = "ready";
  else if (
    server.state === "starting" ||
    server.state === "reserved" ||
    (server.state === "allocated" && server.matchId === null)
  ) {
    becameReady(s, fleet, server, isPrimary(server) ? "ready for players" : "ready");
  }
  s.reindex(server);
}

/** Reserved or allocated by its own word: nobody's to give until it says Ready again. */
function setBusy(s: CoreState, server: GameServer, state: "reserved" | "allocated"): void {
  server.ownBusy = true;
  if (state === "allocated") noLongerWanted(s.fleet(server.experienceId), server);
  if (server.readyAtMs === null) server.readyAtMs = s.nowMs;
  if (server.state === "suspect") server.beforeSuspect = state;
  else if (server.state !== "draining" && server.state !== "unhealthy") setState(s, server, state, "by its own word");
  s.reindex(server);
}

function onMatchEnded(s: CoreState, fleet: Fleet, server: GameServer, matchId: string): void {
  if (server.matchId !== null && server.matchId !== matchId) return;
  for (const session of [...server.seats])
    endSession(s, session, `match ${matchId} ended`, { release: false, ...left(session) });
  server.matchId = null;
  server.ownBusy = false;
  retireMatch(s, server.experienceId, matchId);
  // It was this match that wanted more; the next one on the server has its own wish.
  if (server.annotations[BACKFILL] !== undefined) mark(s, server, {}, { [BACKFILL]: null });
  if (server.state === "suspect") server.beforeSuspect = "ready";
  else if (server.state === "allocated") setState(s, server, "ready", `match ${matchId} ended`);
  s.reindex(server);
  s.dirty.add(fleet);
}

/** The matchId stays known for a while, so that asking for it again does not start it again. */
export function retireMatch(s: CoreState, experienceId: string, matchId: string): void {
  const key = matchKey(experienceId, matchId);
  const match = s.matches.get(key);
  if (!match || match.ended) return;
  match.ended = true;
  match.server = null;
  s.oldMatches.add(key, s.nowMs);
}

function left(session: PlayerSession): { also?: "session.left" } {
  return session.joined ? { also: "session.left" } : {};
}

function onJoined(
  s: CoreState,
  fleet: Fleet,
  server: GameServer,
  { sessionId, generation }: Extract<AgentEvent, { kind: "joined" }>,
): void {
  noLongerWanted(fleet, server);
  const session = s.sessions.get(sessionId);
  if (!session || session.server !== server || session.generation !== generation) return;
  session.joined = true;
  session.ticket = null;
  session.lastActivityMs = s.nowMs;
  if (session.state === "reserved") {
    session.state = "active";
    session.reason = "on the server";
    s.out.session("session.joined", session, session.reason, { generation });
    arrived(s, server, true);
  }
  settleTwin(s, session);
}

/** A reservation has ended, one way or the other. */
function arrived(s: CoreState, server: GameServer, came: boolean): void {
  noteArrival(server.arrivals, came);
  if (s.settings.health.minJoined !== undefined) judge(s, server);
}

function onLeft(
  s: CoreState,
  node: AgentNode,
  server: GameServer,
  sessionId: string,
  generation: number,
  why: "left" | "leaseExpired" | "released" | "matchEnded",
): void {
  const session = s.sessions.get(sessionId);
  if (!session || session.generation > generation) return;
  // Whoever was moved there did not ask to come: that they have gone their own way says nothing of the server.
  const asked = session.moves === 0 && generation === 1;
  if (why === "leaseExpired" && session.server === server && !session.joined && asked) arrived(s, server, false);
  // A generation that was never heard of: an earlier leader had moved it here, and here it has ended.
  if (session.server !== server && generation < session.nextGeneration) return;
  const reason = {
    left: "the player left",
    leaseExpired: "the player did not come before the lease ended",
    released: "its seat was released",
    matchEnded: "the match ended",
  }[why];
  if (why === "released") seatGone(s, node, session, reason, left(session));
  else endSession(s, session, reason, { release: false, ...left(session) });
}

function onGone(s: CoreState, server: GameServer, reason: string): void {
  const isMatch = s.fleet(server.experienceId).config?.seats === "match";
  if (!isMatch || server.engine === "exited" || server.finished) return serverGone(s, server, reason);
  // A match server that ends itself cleanly is done, not lost; only the engine knows how it ended.
  s.timers.at(s.nowMs + EXIT_WAIT_MS, () => serverGone(s, server, reason));
}

/** What hung while nothing could be decided hangs no more. */
export function wellAgain(server: GameServer): void {
  if (server.lost?.gone === false) server.lost = null;
}

/** Its node is back, so it may never have been gone: what is known of it now counts. */
export function backWithNode(server: GameServer): void {
  if (server.lost?.withNode) server.lost = null;
}

/** What was lost while nothing could be decided is acted on now. */
export function takeLosses(s: CoreState): void {
  for (const server of [...s.servers.values()]) {
    const { lost } = server;
    server.lost = null;
    // Only closed servers are stopped, but their agent may have forgotten them by now.
    if (server.endAsked) server.ending ??= leftEnding(s, server);
    if (server.endedAtMs !== null) failover(s, server, server.reason, true);
    else if (lost?.gone) serverGone(s, server, lost.reason);
    else if (lost) onUnhealthy(s, server, lost.reason);
  }
}

/**
 * Its process is no more, and what that means depends on what it was doing.
 * @param withNode so it is said of its node
 */
export function serverGone(s: CoreState, server: GameServer, reason: string, withNode = false): void {
  if (server.state === "terminated") return;
  const { lost } = server;
  if (!s.deciding) {
    if (withNode && lost?.gone) return;
    server.lost = { reason, gone: true, withNode, sinceMs: lost?.gone ? lost.sinceMs : s.nowMs };
    return;
  }
  // An agent may see the end of its SDK stream before the process has ended, or where it hangs.
  if (server.engine === "placed" || server.engine === "running") {
    s.out.push({ type: "stop", serverId: server.id, graceSecs: graceOf(s.fleet(server.experienceId)), reason });
  }
  const early = server.state === "starting" || server.beforeSuspect === "starting";
  if (early && server.seats.size === 0) {
    server.engine = "exited";
    if (server.ending) setState(s, server, "terminated", server.ending.reason);
    else failStart(s, server, `ended before it was ready: ${reason}`, false);
    return;
  }
  if (server.finished)
    for (const session of [...server.seats]) endSession(s, session, reason, { release: false, ...left(session) });
  if (server.matchId !== null && server.seats.size === 0) retireMatch(s, server.experienceId, server.matchId);
  // Those whom an operator's stop has put on the move already are looked after: nobody is left to fail over.
  const orderly = server.stopAskedAtMs !== null || server.ending !== null || server.finished;
  if (orderly && server.inFlight === 0 && parties(s, server).length === 0 && server.state !== "unhealthy") {
    const fleet = s.fleet(server.experienceId);
    // A world comes back, and takes on what it had saved.
    if (fleet.config?.kind === "world" && isPrimary(server)) fleet.owed.push(server.id);
    setState(s, server, "terminated", server.ending?.reason ?? reason);
    return;
  }
  failover(s, server, reason, true);
}
