import type { SeatReport, ServerReport, Snapshot } from "../../protocol/messages";
import type { EngineServer } from "../engine";
import type { AgentNode } from "./agent-node";
import { onUnhealthy, serverGone } from "./agent-events";
import { onExited, onPlaced, takeFound } from "./engine-events";
import { failover } from "./failover";
import { settleDoubt } from "./doubt";
import { isPrimary, newServer, poolKeyOf, type GameServer } from "./game-server";
import { leftEnding } from "./kept-nodes";
import { serverOfEngine } from "./launch";
import { takesPlayers } from "./lifecycle";
import { learnDrain } from "./move-out";
import { matchKey } from "./placement";
import { forget, isForgotten, isOwed, release } from "./owed";
import { newSession, type PlayerSession } from "./player-session";
import { addServer, bindToNode, forgetAtAgent, setState } from "./servers";
import { endSession, settleTwin, unseat } from "./sessions";
import { becameReady, giveTimeToStart, askStart } from "./spawn";
import type { CoreState, MatchRecord } from "./state";
import { newGroup } from "./group";
import { noLongerWanted, wantAgain } from "./wanted";

/** An agent has told all it knows: servers and sessions are made to agree with it. */
export function onSnapshot(s: CoreState, node: AgentNode, snapshot: Snapshot): void {
  for (const state of snapshot.saved) s.saved.put(state);
  learnDrain(s, node, snapshot.drain);
  const told = new Set<string>();
  for (const report of snapshot.servers) {
    told.add(report.serverId);
    if (isForgotten(node, report)) {
      // Everything of it went on elsewhere while its node was away: what is left of it must stop.
      if (!report.gone) stopLeftover(s, report.serverId);
      continue;
    }
    const server = s.servers.get(report.serverId) ?? stranger(s, node, report);
    if (server.allocationId !== null && server.allocationId !== report.allocationId) {
      forget(s, node, {
        serverId: report.serverId,
        allocationId: report.allocationId,
        reason: "another allocation has taken its place",
      });
      continue;
    }
    bindToNode(s, server, node.id, report.allocationId);
    node.servers.add(server);
    takeReport(s, node, server, report);
  }
  for (const server of node.servers) if (!told.has(server.id)) agentLost(s, server);
}

/** A server that only its agent knows of so far; if the engine does not know it either, it is dropped after a while. */
function stranger(s: CoreState, node: AgentNode, report: ServerReport): GameServer {
  const { expect } = report;
  const config = s.fleet(expect.experienceId).config;
  const server = newServer({
    id: report.serverId,
    experienceId: expect.experienceId,
    version: expect.version,
    mods: config?.mods ?? [],
    role: expect.role,
    maxPlayers: expect.maxPlayers,
    sdkToken: expect.sdkToken,
    createdAtMs: s.nowMs,
    reason: "told by its agent",
  });
  server.address = expect.address;
  server.ports = expect.ports;
  server.pids = expect.pids;
  server.logFile = expect.logFile;
  server.engine = "placed";
  addServer(s, server);
  node.strangers.set(server.id, s.nowMs);
  return server;
}

function takeReport(s: CoreState, node: AgentNode, server: GameServer, report: ServerReport): void {
  server.expected = true;
  server.unheard = false;
  server.walkIns = report.walkIns;
  server.stats = report.stats ?? server.stats;
  server.labels = { ...report.labels };
  server.annotations = { ...report.annotations };
  server.counters = report.counters ?? {};
  server.lists = report.lists ?? {};
  server.tracked = report.tracked ?? null;
  if (report.closed) server.closing = "closed";
  else if (server.closing === "asked" && !server.ending) server.closing = "open";
  takeSeats(s, node, server, report.seats);
  if (report.claim || report.walkIns > 0 || report.seats.some(({ joined }) => joined))
    noLongerWanted(s.fleet(server.experienceId), server);
  if (server.state === "terminated") {
    if (!report.gone && server.engine !== "exited") stopLeftover(s, server.id);
    if (server.seats.size > 0 && s.deciding) failover(s, server, server.reason, true);
    forgetAtAgent(s, server);
    return;
  }
  takeClaim(s, server, report);
  if (report.gone) {
    if (report.closed) server.ending ??= leftEnding(s, server);
    serverGone(s, server, report.gone.reason);
    return;
  }
  takeState(s, server, report);
  s.reindex(server);
  if (server.ending) s.ending.add(server);
}

/** It was given up while it was out of reach, and is running still. */
function stopLeftover(s: CoreState, serverId: string): void {
  if (s.leader)
    s.out.push({ type: "stop", serverId, graceSecs: 0, reason: "it was given up while it was out of reach" });
}

/** Whose a server that is up is, as its agent knows. */
function standing({ claim, reserved, selfAllocated }: ServerReport): {
  readonly state: "ready" | "reserved" | "allocated";
  readonly reason: string;
} {
  if (claim) return { state: "allocated", reason: `match ${claim.matchId}` };
  if (selfAllocated) return { state: "allocated", reason: "by its own word" };
  return reserved ? { state: "reserved", reason: "by its own word" } : { state: "ready", reason: "its match is over" };
}

function takeState(s: CoreState, server: GameServer, report: ServerReport): void {
  const fleet = s.fleet(server.experienceId);
  if (server.state === "suspect") setState(s, server, server.beforeSuspect ?? "starting", "its node is back");
  if (server.state === "starting") {
    if (report.ready || report.reserved || report.selfAllocated)
      becameReady(s, fleet, server, isPrimary(server) ? "ready for players" : "ready");
    else if (server.readyDeadlineMs === Infinity || server.readyDeadlineMs <= s.nowMs) giveTimeToStart(s, server);
  }
  server.ownBusy = report.reserved || report.selfAllocated === true;
  if (server.state === "ready" || server.state === "reserved" || server.state === "allocated") {
    const { state, reason } = standing(report);
    if (state !== server.state) setState(s, server, state, reason);
  }
  if (!report.healthy && takesPlayers(server.state)) onUnhealthy(s, server, "said while its node was out of reach");
  if (server.closing === "closed" && !server.ending && server.state !== "unhealthy") {
    server.ending = leftEnding(s, server);
    setState(s, server, "draining", server.ending.reason);
  }
}

function takeClaim(s: CoreState, server: GameServer, report: ServerReport): void {
  const { claim } = report;
  // Decided before the claim is taken over: one in doubt has no players, and is not to be waited for.
  settleDoubt(s, server, claim?.matchId ?? null);
  server.matchId = claim?.matchId ?? null;
  if (!claim || server.ending) return;
  const key = matchKey(server.experienceId, claim.matchId);
  const match = s.matches.get(key);
  if (match) return keepOne(s, match, server);
  const group = newGroup({
    kind: "match",
    experienceId: server.experienceId,
    sessions: [...server.seats],
    matchId: claim.matchId,
    sinceMs: s.nowMs,
    deadlineMs: s.nowMs,
  });
  s.matches.set(key, { experienceId: server.experienceId, matchId: claim.matchId, group, server, ended: false });
}

/** Two servers say that they are claimed for one match: an earlier leader had moved its players, and the one they left goes. */
function keepOne(s: CoreState, match: MatchRecord, server: GameServer): void {
  const other = match.server;
  if (!s.leader || !other || other === server || other.matchId !== match.matchId) return;
  const left = [server, other].find(({ seats }) => seats.size === 0);
  if (!left) return;
  if (left === other) match.server = server;
  left.matchId = null;
  left.doubt = match.matchId;
  settleDoubt(s, left, match.matchId);
}

function takeSeats(s: CoreState, node: AgentNode, server: GameServer, seats: readonly SeatReport[]): void {
  const told = new Map(seats.map((seat) => [seat.sessionId, seat]));
  for (const session of [...server.seats]) {
    if (!told.has(session.id)) endSession(s, session, "its seat was gone when its node came back", { release: false });
  }
  for (const seat of seats) {
    // Given up while the node was away; the session itself may be forgotten by now.
    if (isOwed(node, { ...seat, serverId: server.id })) continue;
    const known = living(s, seat) ?? rival(s, node, server, seat);
    if (known === "outranked") continue;
    const session = known ?? adopt(s, server, seat);
    takeSeat(s, node, server, session, seat);
  }
}

/**
 * The session as it is known here. What a standby took for its end, because a node was lost, may have been a move that an
 * earlier leader decided: then the player was told of this seat, and the session is begun anew.
 */
function living(s: CoreState, { sessionId, generation }: SeatReport): PlayerSession | undefined {
  const known = s.sessions.get(sessionId);
  return known?.state === "ended" && !s.deciding && generation >= known.nextGeneration ? undefined : known;
}

/**
 * Another session of the same player in this experience. Which of the two its player was told of last cannot be known: an
 * earlier leader gave the one because the other had ended, or because it did not know of it. So a seat that nobody has
 * joined is left to its lease, and whichever is joined ends the other; of two that are joined the older goes.
 */
function rival(s: CoreState, node: AgentNode, server: GameServer, seat: SeatReport): "outranked" | undefined {
  const other = s.fleet(server.experienceId).players.get(seat.playerId);
  if (!other) return undefined;
  const placed = other.server !== null && other.server.endedAtMs === null;
  const older = other.connectedAtMs < seat.carry.connectedAtMs;
  if (placed && !older && (other.twin !== null || (other.joined && seat.joined))) {
    owe(s, node, server, seat, "the player has another session here");
    return "outranked";
  }
  if (!placed || other.twin !== null || (other.joined && seat.joined))
    endSession(s, other, "the player has another session here", { release: true });
  return undefined;
}

function adopt(s: CoreState, server: GameServer, seat: SeatReport): PlayerSession {
  const { carry } = seat;
  const session = newSession({
    id: seat.sessionId,
    playerId: seat.playerId,
    experienceId: server.experienceId,
    party: carry.party,
    connectedAtMs: carry.connectedAtMs,
    version: carry.version === "" ? undefined : carry.version,
    mods: carry.mods,
    latencies: carry.latencies,
    matchId: carry.matchId ?? null,
  });
  session.announced = true;
  s.sessions.set(session.id, session);
  const { players } = s.fleet(server.experienceId);
  const other = players.get(session.playerId);
  if (other) {
    session.twin = other;
    other.twin = session;
  }
  // The one that was asked for last stands for the player.
  if (!other || other.connectedAtMs <= session.connectedAtMs) players.set(session.playerId, session);
  return session;
}

function takeSeat(s: CoreState, node: AgentNode, server: GameServer, session: PlayerSession, seat: SeatReport): void {
  const { generation } = seat;
  // Generations from `nextGeneration` up were given by an earlier leader: that player was told of this seat.
  const unheard = generation >= session.nextGeneration;
  session.nextGeneration = Math.max(session.nextGeneration, generation + 1);
  if (session.server !== server) {
    const outranked = session.server !== null && session.generation >= generation;
    const moving = session.group !== null && (session.group.target !== null || !unheard);
    if (session.state === "ended" || outranked || moving) {
      owe(s, node, server, seat, session.state === "ended" ? session.reason : "the player has moved on");
      return;
    }
    leaveLine(s, session);
    if (session.server) unseatOutranked(s, session);
    session.state = "reserved";
  }
  session.server = server;
  session.lastServerId = server.id;
  server.seats.add(session);
  session.generation = generation;
  session.joined = seat.joined;
  if (session.state !== "migrating") session.state = seat.joined ? "active" : "reserved";
  // The older one may have been joined long before the other was given.
  if (seat.joined && session.twin && session.twin.connectedAtMs <= session.connectedAtMs) settleTwin(s, session);
}

/** It has a seat after all: it waits no more, and who waits for it is told to ask again. */
function leaveLine(s: CoreState, session: PlayerSession): void {
  const { group } = session;
  if (!group) return;
  session.group = null;
  const { line } = s.fleet(session.experienceId);
  line.remove(group);
  group.sessions.splice(group.sessions.indexOf(session), 1);
  if (group.sessions.length > 0) line.add(group);
  else s.emptied.push(group);
}

function unseatOutranked(s: CoreState, session: PlayerSession): void {
  const { server, id: sessionId, generation } = session;
  if (server && server.nodeId !== null && server.allocationId !== null) {
    release(s, s.node(server.nodeId), {
      serverId: server.id,
      allocationId: server.allocationId,
      sessionId,
      generation,
      reason: "the player has moved on",
    });
  }
  unseat(s, session);
}

function owe(s: CoreState, node: AgentNode, server: GameServer, seat: SeatReport, reason: string): void {
  const { sessionId, generation } = seat;
  release(s, node, {
    serverId: server.id,
    allocationId: server.allocationId ?? "",
    sessionId,
    generation,
    reason,
  });
}

/** The agent does not know a server that the core believes on its node: it is told again, or the server has gone. */
function agentLost(s: CoreState, server: GameServer): void {
  server.expected = false;
  for (const session of [...server.seats]) {
    if (session.state !== "migrating")
      endSession(s, session, "its node does not know the seat any more", { release: false });
  }
  if (server.state === "suspect") setState(s, server, server.beforeSuspect ?? "starting", "its node is back");
  s.reindex(server);
}

/** The engine's whole list: what it runs is taken in, what it no longer has is given up. */
export function onEngineList(s: CoreState, list: readonly EngineServer[], sinceMs = Infinity): void {
  const told = new Set(list.map(({ serverId }) => serverId));
  for (const found of list) {
    const known = s.servers.get(found.serverId);
    if (s.nodes.get(found.nodeId)?.strangers.delete(found.serverId) && known) learnMeta(s, known, found);
    if (known) update(s, known, found);
    else takeFound(s, found);
  }
  for (const server of [...s.servers.values()]) {
    if (told.has(server.id) || server.state === "terminated" || server.engine === "held") continue;
    // It was placed while the list was on its way.
    if (server.placedMs >= sinceMs) continue;
    if (server.engine === "asked") {
      if (s.leader) askStart(s, s.fleet(server.experienceId), server);
    } else if (!s.nodes.get(server.nodeId ?? "")?.strangers.has(server.id))
      gone(s, server, "the engine does not have it any more");
  }
  s.engineListed = true;
}

/** What an agent cannot tell of a server, the meta of its launch can. */
function learnMeta(s: CoreState, server: GameServer, found: EngineServer): void {
  const { mods, clients } = serverOfEngine(found, server.maxPlayers, server.createdAtMs);
  server.mods = mods;
  server.clients = clients;
  if (clients !== undefined) s.fleet(server.experienceId).clients.set(server.version, clients);
  server.poolKey = poolKeyOf(server.version, mods, server.maxPlayers);
  if (server.seats.size === 0) wantAgain(s, s.fleet(server.experienceId), server, found.meta.wantedUntilMs);
}

function update(s: CoreState, server: GameServer, found: EngineServer): void {
  if (found.state === "exited") {
    if (found.exit) onExited(s, server, found.exit);
    else gone(s, server, "ended while nobody looked");
  } else if (server.state !== "terminated") onPlaced(s, server, found);
}

function gone(s: CoreState, server: GameServer, reason: string): void {
  server.engine = "exited";
  serverGone(s, server, reason);
}
