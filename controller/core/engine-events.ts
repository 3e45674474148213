import { backWithNode, retireMatch, serverGone } from "./agent-events";
import type { AgentNode } from "./agent-node";
import { isPrimary, type GameServer } from "./game-server";
import type { EngineErrorCode, EngineEvent, EngineServer, ServerExit } from "../engine";
import { takeEarly } from "./early-seats";
import { noteOnIsolated, placedText, restore } from "./isolation";
import { expectOf, serverOfEngine } from "./launch";
import { notePlaced, noteShort } from "./priority";
import { configOf } from "./rollout";
import { addServer, bindToNode, setState } from "./servers";
import { endSession } from "./sessions";
import { failStart, giveTimeToStart } from "./spawn";
import { startAgain } from "./starting";
import type { CoreState } from "./state";
import { wantAgain } from "./wanted";

/** A start that failed like this may succeed a moment later: the server before it may still be on its way out. */
const PASSES: ReadonlySet<EngineErrorCode> = new Set<EngineErrorCode>(["portTaken", "volumeBusy", "startFailed"]);

export function onEngineEvent(s: CoreState, event: EngineEvent): void {
  switch (event.type) {
    case "placed":
    case "running": {
      const server = s.servers.get(event.server.serverId);
      if (server) onPlaced(s, server, event.server);
      // Another controller ordered it: the leader before, or one that did not know yet that it leads no more.
      else takeFound(s, event.server);
      return;
    }
    case "exited": {
      const server = s.servers.get(event.server.serverId);
      if (server) onExited(s, server, event.exit);
      return;
    }
    case "blocked":
      return onBlocked(s, event);
    case "nodeDown":
      return onNodeDown(s, event);
    case "nodeUp":
      return onNodeUp(s, event.nodeId);
    // The shell asks the engine for its list, which comes as an input of its own.
    case "resync":
      return;
  }
}

/** A server that runs, or has run, and that this controller did not start. */
export function takeFound(s: CoreState, found: EngineServer): void {
  const fleet = s.fleet(found.experienceId);
  const server = serverOfEngine(found, fleet.config?.maxPlayers ?? 0, s.nowMs);
  server.engine = "asked";
  addServer(s, server);
  wantAgain(s, fleet, server, found.meta.wantedUntilMs);
  if (found.state === "exited") {
    // Its agent may still hold seats of it; then its snapshot says so, and they are moved.
    bindToNode(s, server, found.nodeId, found.allocationId);
    server.engine = "exited";
    server.unheard = !s.usable(found.nodeId);
    setState(s, server, "terminated", "ended while no controller looked");
    takeEarly(s, s.node(found.nodeId), server);
    return;
  }
  onPlaced(s, server, found);
}

/** Ports, node and processes are known: its agent is told what to expect, again where something has changed. */
export function onPlaced(s: CoreState, server: GameServer, found: EngineServer): void {
  if (server.state === "terminated") return;
  const before = server.engine;
  const same = before === found.state || (before === "placed" && found.state === "pending");
  const changed =
    server.allocationId !== found.allocationId ||
    !sameNumbers(server.pids, found.pids) ||
    !sameNumbers(server.ports, found.ports);
  bindToNode(s, server, found.nodeId, found.allocationId);
  takeEarly(s, s.node(found.nodeId), server);
  server.placedMs = s.nowMs;
  notePlaced(s, server);
  server.engine = found.state === "running" || before === "running" ? "running" : "placed";
  server.address = found.address;
  server.ports = found.ports;
  server.pids = found.pids;
  server.logFile = found.logFiles[isPrimary(server) ? "server" : server.role] ?? Object.values(found.logFiles)[0];
  if (before === "held" || before === "asked")
    s.out.server("server.placed", server, placedText(s, server), { ports: found.ports });
  if (!same && server.state === "starting") giveTimeToStart(s, server);
  if (changed) server.expected = false;
  sendExpect(s, server);
  s.reindex(server);
  if (before === "asked") noteOnIsolated(s, server);
}

function sameNumbers(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

/** Tells the node's agent how to treat the server, unless it knows. */
export function sendExpect(s: CoreState, server: GameServer): void {
  const { nodeId, allocationId, experienceId } = server;
  const config = configOf(s.fleet(experienceId), server.version);
  if (server.expected || !config || nodeId === null || allocationId === null || !s.usable(nodeId)) return;
  if (server.state === "terminated" || server.engine === "exited") return;
  server.expected = true;
  s.send(
    nodeId,
    { kind: "expect", server: expectOf(s, config, server, restoreOf(s, server)) },
    { kind: "expect", server },
  );
}

/** What the server that this one replaces had saved, as long as its players have not gone on elsewhere. */
function restoreOf(
  s: CoreState,
  server: GameServer,
): { readonly data: string; readonly savedAtMs: number } | undefined {
  const old = server.replaces === undefined ? undefined : s.servers.get(server.replaces);
  if (!old || server.state !== "starting") return undefined;
  const world = s.fleet(server.experienceId).config?.kind === "world";
  return world || old.seats.size > 0 ? s.saved.get(old.id) : undefined;
}

export function onExited(s: CoreState, server: GameServer, exit: ServerExit): void {
  server.engine = "exited";
  server.endAsked = exit.requested;
  if (server.state === "terminated") return;
  const reason = exitText(exit);
  if (matchOver(s, server, exit)) {
    server.finished = true;
    for (const session of [...server.seats])
      endSession(s, session, "the match ended with its server", { release: false });
    if (server.matchId !== null) retireMatch(s, server.experienceId, server.matchId);
  }
  serverGone(s, server, reason);
}

/** A match server that ends by itself without an error has played its match. */
function matchOver(s: CoreState, server: GameServer, exit: ServerExit): boolean {
  const clean = exit.exitCode === 0 && exit.signal === undefined && !exit.requested && !exit.outOfMemory;
  return clean && s.fleet(server.experienceId).config?.seats === "match" && (server.matchId !== null || server.ownBusy);
}

function exitText(exit: ServerExit): string {
  const how = exit.outOfMemory
    ? "out of memory"
    : exit.signal !== undefined
      ? `signal ${exit.signal}`
      : `exit code ${String(exit.exitCode ?? "unknown")}`;
  return `${exit.task} ended: ${how}${exit.requested ? ", as asked" : ""}`;
}

function onBlocked(s: CoreState, event: Extract<EngineEvent, { type: "blocked" }>): void {
  const server = s.servers.get(event.serverId);
  if (!server || server.state === "terminated") return;
  s.out.server("server.blocked", server, event.reason, { code: event.code, final: event.final });
  server.reason = event.reason;
  if (!s.leader) return;
  if (event.final) {
    server.engine = "exited";
    if (server.state === "starting") failStart(s, server, event.reason, !PASSES.has(event.code));
    else setState(s, server, "terminated", event.reason);
    return;
  }
  if (event.code === "noCapacity") noteShort(s, server);
  startAgain(s, server);
}

function onNodeUp(s: CoreState, nodeId: string): void {
  // One that an earlier leader had isolated may not have been met yet.
  const node = s.nodesBefore.has(nodeId) ? s.node(nodeId) : s.nodes.get(nodeId);
  if (!node) return;
  node.down = false;
  node.lost = null;
  for (const server of node.servers) backWithNode(server);
  restore(s, node, "the engine says that it is back");
}

function onNodeDown(s: CoreState, event: Extract<EngineEvent, { type: "nodeDown" }>): void {
  // The engine may have nodes where nothing of ours runs: controllers', other people's.
  const node = s.nodes.get(event.nodeId);
  if (!node) return;
  node.lost = event.unreachable === true ? event.reason : null;
  if (node.lost === null) giveUpNode(s, node, event.reason);
  else giveUpSilent(s, node, event.reason);
}

/**
 * The engine does not reach it. While its agent talks to us the servers are there, whatever has become of the engine's own program;
 * and an agent whose connection has just ended may be one that starts anew.
 */
export function giveUpSilent(s: CoreState, node: AgentNode, reason: string): void {
  if (node.lost === null || node.connected) return;
  const silentMs = (node.silentSinceMs ?? -Infinity) + s.settings.suspectAfterSecs * 1000;
  if (s.nowMs >= silentMs) giveUpNode(s, node, reason);
  else s.timers.at(silentMs, () => giveUpSilent(s, node, reason));
}

/** Nobody reaches it any more: what ran there counts as gone. */
function giveUpNode(s: CoreState, node: AgentNode, reason: string): void {
  const nodeId = node.id;
  if (!node.down) s.out.happened("node.down", reason, { nodeId });
  node.down = true;
  for (const server of [...node.servers]) {
    serverGone(s, server, `node ${nodeId} is down: ${reason}`, true);
  }
}
