import { serverGone } from "./agent-events";
import { graceOf } from "./launch";
import { dropServer, setState } from "./servers";
import { endSession } from "./sessions";
import type { CoreState } from "./state";

/** A stop that the engine has not confirmed this long after the grace period is asked for again, in milliseconds. */
const STOP_AGAIN_MS = 10_000;
/** A standby keeps what a leader would have to act on for so long after a server was lost, in milliseconds. */
const KEEP_LOST_MS = 60_000;
/** The same where somebody's seat is on it: by then every leader has found them another, or told them that there is none. */
const KEEP_SEATED_MS = 3_600_000;
/** How often it looks for what to forget, in milliseconds. */
const LOOK_FOR_LOST_MS = 10_000;
/** How long a node that is not heard is known, in milliseconds; Nomad itself forgets it after as long. */
const KEEP_NODE_MS = 86_400_000;
const LOOK_FOR_NODES_MS = 60_000;
/** How long a server that only its agent knows of may still turn up at the engine, in milliseconds. */
const STRANGER_MS = 10_000;

/** Asks again for stops that were not confirmed; what the engine never took on has nothing to confirm. */
export function stopAgain(s: CoreState): void {
  for (const server of s.stopping) {
    const graceSecs = graceOf(s.fleet(server.experienceId));
    if (server.stopAskedAtMs === null || s.nowMs < server.stopAskedAtMs + graceSecs * 1000 + STOP_AGAIN_MS) continue;
    if (server.engine === "asked") {
      setState(s, server, "terminated", server.reason);
      continue;
    }
    server.stopAskedAtMs = s.nowMs;
    s.out.push({ type: "stop", serverId: server.id, graceSecs, reason: "the engine has not said that it ended" });
  }
}

/**
 * A standby forgets servers that are gone: it is told of their end, but not of what the leader made of it. One that somebody's seat
 * is still on stays for an hour, since nobody may have found its players another yet.
 */
export function dropLost(s: CoreState): void {
  if (s.nowMs < s.nextLostLookMs) return;
  s.nextLostLookMs = s.nowMs + LOOK_FOR_LOST_MS;
  for (const server of s.servers.values()) {
    const { lost, seats } = server;
    if (!lost?.gone || s.nowMs < lost.sinceMs + (seats.size === 0 ? KEEP_LOST_MS : KEEP_SEATED_MS)) continue;
    for (const session of [...seats]) endSession(s, session, lost.reason, { release: false });
    dropServer(s, server);
  }
}

/** Experiences that forge.toml has no longer are forgotten with their last server and player. */
export function dropRetired(s: CoreState): void {
  for (const [id, fleet] of s.fleets) {
    if (fleet.config || fleet.servers.size + fleet.roleServers.size + fleet.players.size + fleet.line.size > 0)
      continue;
    s.fleets.delete(id);
  }
}

/**
 * A node that has been gone for a day comes back as a new one, if at all: where machines come and go with the players, each of them
 * has an id of its own. What was still to be said to its agent is about servers of that day.
 */
export function dropOldNodes(s: CoreState): void {
  if (s.nowMs < s.nextNodesLookMs) return;
  s.nextNodesLookMs = s.nowMs + LOOK_FOR_NODES_MS;
  for (const node of s.nodes.values()) {
    const { id, connected, servers, isolation, silentSinceMs, knownMs } = node;
    const lives = [...servers].some(({ endedAtMs }) => endedAtMs === null);
    if (connected || lives || isolation || s.nowMs < (silentSinceMs ?? knownMs) + KEEP_NODE_MS) continue;
    s.nodes.delete(id);
  }
}

/** Servers that an agent keeps but the engine does not know are over: their players go on elsewhere. */
export function dropStrangers(s: CoreState): void {
  if (!s.engineListed || s.rebuilding) return;
  for (const node of s.nodes.values()) {
    for (const [serverId, sinceMs] of node.strangers) {
      if (s.nowMs < sinceMs + STRANGER_MS) continue;
      node.strangers.delete(serverId);
      const server = s.servers.get(serverId);
      if (!server || server.endedAtMs !== null) continue;
      server.engine = "exited";
      serverGone(s, server, "the engine does not know it");
    }
  }
}
