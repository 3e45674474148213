import type { ServerReport, Snapshot } from "../../protocol/messages";
import type { EngineServer } from "../engine";
import type { AgentNode } from "./agent-node";
import { serverGone, wellAgain } from "./agent-events";
import { onExited, onPlaced, takeFound } from "./engine-events";
import { failover, onUnhealthy } from "./failover";
import { isPrimary, newServer, poolKeyOf, type GameServer } from "./game-server";
import { leftEnding } from "./kept-nodes";
import { serverOfEngine } from "./launch";
import { takesPlayers } from "./lifecycle";
import { learnDrain } from "./move-out";
import { forget, isForgotten } from "./owed";
import { addServer, bindToNode, forgetAtAgent, setState } from "./servers";
import { seatGone } from "./sessions";
import { becameReady, giveTimeToStart } from "./spawn";
import { askStart } from "./starting";
import type { CoreState } from "./state";
import { takeClaim } from "./told-claim";
import { takeSeats } from "./told-seats";
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
  for (const server of node.servers) if (!told.has(server.id)) agentLost(s, node, server);
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
  takeSeats(s, node, server, report);
  if (report.claim || report.walkIns > 0 || report.seats.some(({ joined }) => joined))
    noLongerWanted(s.fleet(server.experienceId), server);
  if (server.state === "terminated") {
    if (!report.gone && server.engine !== "exited") stopLeftover(s, server.id);
    if (server.seats.size > 0 && s.deciding) failover(s, server, server.reason, true);
    forgetAtAgent(s, server);
    return;
  }
  takeClaim(s, server, report.claim?.matchId ?? null);
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
  if (report.healthy) wellAgain(server);
  else if (takesPlayers(server.state)) onUnhealthy(s, server, "said while its node was out of reach");
  if (server.closing === "closed" && !server.ending && server.state !== "unhealthy") {
    server.ending = leftEnding(s, server);
    setState(s, server, "draining", server.ending.reason);
  }
}

/** The agent does not know a server that the core believes on its node: it is told again, or the server has gone. */
function agentLost(s: CoreState, node: AgentNode, server: GameServer): void {
  server.expected = false;
  for (const session of [...server.seats]) {
    // Whom it was moving when it stepped down, another has settled with their server.
    if (session.state !== "migrating" || session.group === null)
      seatGone(s, node, session, "its node does not know the seat any more");
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
