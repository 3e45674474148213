import { countOnNode } from "./agent-node";
import type { Fleet } from "./fleet";
import { isPrimary, type GameServer } from "./game-server";
import { checkMove } from "./lifecycle";
import { problem } from "./outbox";
import { forget } from "./owed";
import { noteRoom } from "./priority";
import type { CoreState } from "./state";
import type { ServerState } from "./resources";
import { serverView } from "./views";

const EVENTS: Partial<
  Record<
    ServerState,
    | "server.ready"
    | "server.allocated"
    | "server.draining"
    | "server.suspect"
    | "server.unhealthy"
    | "server.terminated"
  >
> = {
  ready: "server.ready",
  allocated: "server.allocated",
  draining: "server.draining",
  suspect: "server.suspect",
  unhealthy: "server.unhealthy",
  terminated: "server.terminated",
};

/** Puts a server in the tables. */
export function addServer(s: CoreState, server: GameServer): void {
  s.servers.set(server.id, server);
  const fleet = s.fleet(server.experienceId);
  (isPrimary(server) ? fleet.servers : fleet.roleServers).add(server);
  tally(fleet, server, 1);
  if (isPrimary(server)) {
    fleet.versions.set(server.version, (fleet.versions.get(server.version) ?? 0) + 1);
    if (server.clients !== undefined) fleet.clients.set(server.version, server.clients);
  }
  s.reindex(server);
}

/** Binds a server to the node that the engine or an agent says it is on. */
export function bindToNode(s: CoreState, server: GameServer, nodeId: string, allocationId: string): void {
  server.allocationId = allocationId;
  if (server.nodeId === nodeId) return;
  if (server.nodeId !== null) s.nodes.get(server.nodeId)?.servers.delete(server);
  server.nodeId = nodeId;
  s.node(nodeId).servers.add(server);
}

/** Moves a server along its table and tells of it. @throws {IllegalMoveError} */
export function setState(s: CoreState, server: GameServer, to: ServerState, reason: string): void {
  if (server.state === to) {
    server.reason = reason;
    return;
  }
  checkMove(server.id, server.state, to);
  const fleet = s.fleet(server.experienceId);
  tally(fleet, server, -1);
  server.beforeSuspect = to === "suspect" ? server.state : null;
  server.state = to;
  tally(fleet, server, 1);
  server.reason = reason;
  if (to === "ready" && server.readyAtMs === null) server.readyAtMs = s.nowMs;
  if (to === "terminated") endHere(s, server);
  const event = EVENTS[to];
  if (event) s.out.server(event, server, reason);
  s.reindex(server);
  answerReady(s, server);
}

function tally(fleet: Fleet, server: GameServer, by: 1 | -1): void {
  if (!isPrimary(server)) return;
  if (server.state === "starting") fleet.starting += by;
  else if (server.state === "suspect") fleet.suspect += by;
}

/** Its process is gone for good. Sessions that still sit on it keep it, and its agent's memory of them, until they are settled. */
function endHere(s: CoreState, server: GameServer): void {
  leaveTables(s, server);
  server.endedAtMs = s.nowMs;
  s.endedServers.add(server, s.nowMs);
  forgetAtAgent(s, server);
}

/**
 * Forgets a server without a word to its engine and agent: what has to be said of its end was the leader's to say. What is still
 * there of it after all is found again as one of another leader's.
 */
export function dropServer(s: CoreState, server: GameServer): void {
  const fleet = s.fleet(server.experienceId);
  const node = s.nodes.get(server.nodeId ?? "");
  tally(fleet, server, -1);
  leaveTables(s, server);
  fleet.index.remove(server);
  countOnNode(server, undefined);
  node?.servers.delete(server);
  node?.strangers.delete(server.id);
  s.servers.delete(server.id);
  s.saved.dropServer(server.id);
}

function leaveTables(s: CoreState, server: GameServer): void {
  const fleet = s.fleet(server.experienceId);
  if (fleet.servers.delete(server)) {
    dropVersion(fleet, server.version);
    noteRoom(s);
  }
  fleet.roleServers.delete(server);
  fleet.held.delete(server);
  fleet.wanted.delete(server);
  fleet.ahead.delete(server);
  fleet.behind.delete(server);
  s.ending.delete(server);
  s.stopping.delete(server);
}

function dropVersion(fleet: Fleet, version: string): void {
  const { versions, clients } = fleet;
  const left = (versions.get(version) ?? 0) - 1;
  if (left > 0) return void versions.set(version, left);
  versions.delete(version);
  clients.delete(version);
  fleet.reviewDue = true;
}

/** Tells its agent to drop an ended server once nobody's seat is on it any more. */
export function forgetAtAgent(s: CoreState, server: GameServer): void {
  if (server.unheard) return;
  if (server.state !== "terminated" || server.seats.size > 0 || server.nodeId === null || server.allocationId === null)
    return;
  const node = s.node(server.nodeId);
  node.servers.delete(server);
  forget(s, node, { serverId: server.id, allocationId: server.allocationId, reason: server.reason });
}

/** Replies to `spawnServer` with `waitReady` once it is known how it went. */
function answerReady(s: CoreState, server: GameServer): void {
  if (server.waitingReady.length === 0 || server.state === "starting" || server.state === "suspect") return;
  for (const requestId of server.waitingReady.splice(0)) {
    if (server.readyAtMs !== null) s.out.reply(requestId, serverView(s, server));
    else {
      s.out.refuse(
        requestId,
        problem("startFailed", `server ${server.id} of ${server.experienceId} did not come up: ${server.reason}`, {
          info: { serverId: server.id },
        }),
      );
    }
  }
}
