import type { AgentNode } from "./agent-node";
import { fitsElsewhere } from "./defragment";
import { beginEnding, tightenEnding } from "./drain";
import { wholeServers, type Fleet } from "./fleet";
import { isPrimary, seatsHeld, type GameServer } from "./game-server";
import { forgetOld, holdMs, isTheNode, LONGEST_ISOLATION_MS } from "./node-trouble";
import type { CoreState } from "./state";

/**
 * A node whose servers fail together is treated as what fails, not its servers one by one.
 *
 *     well -- isolateServers in trouble within a minute, half of all it has, twice the share of the other nodes --> isolated
 *     isolated -- no trouble there for isolateSecs, or the engine says that the node is back --> well
 *
 * An isolated node gets no servers, where the engine can avoid it. Its servers are closed and replaced elsewhere; what
 * comes to stand there all the same, and a world, gets players only where no other server has room. Players are moved, one
 * server of an experience after the other, each only once all on it have seats to go to: nobody is thrown off a server
 * that still runs. Matches are played to their end. Worlds stay: nobody can play theirs elsewhere.
 *
 * At most `maxIsolated` of a region's nodes are isolated at once: where more are in trouble, the nodes are not the cause.
 */
export interface Isolation {
  readonly sinceMs: number;
  readonly reason: string;
  untilMs: number;
  /** Its servers were told to let their players go. A new leader does that anew for those whose close its last one did not get to. */
  withdrawn: boolean;
}

const CANNOT_AVOID = "the engine cannot keep new servers off a node";

function consider(s: CoreState, node: AgentNode): void {
  forgetOld(s, node);
  if (s.deciding && !s.holding && isTheNode(s, node) && mayIsolate(s, node)) isolate(s, node);
}

function mayIsolate(s: CoreState, node: AgentNode): boolean {
  const nodes = [...s.nodes.values()].filter(({ down, id }) => !down && s.usable(id));
  const elsewhere = nodes.some((other) => other !== node && !other.isolation);
  const most = Math.max(1, Math.floor(s.settings.health.maxIsolated * nodes.length));
  const isolated = [...s.nodes.values()].filter(({ isolation }) => isolation !== null).length;
  return elsewhere && isolated < most;
}

function isolate(s: CoreState, node: AgentNode): void {
  const servers = [...node.servers].filter((server) => isPrimary(server) && server.state !== "terminated");
  const players = servers.reduce((sum, server) => sum + seatsHeld(server), 0);
  const reason = `${String(node.troubles.size)} of its servers are in trouble together`;
  // A long time without trouble makes up for what was before.
  if (s.nowMs > node.lastIsolatedMs + LONGEST_ISOLATION_MS) node.timesIsolated = 0;
  node.timesIsolated++;
  node.lastIsolatedMs = s.nowMs;
  node.isolation = { sinceMs: s.nowMs, reason, untilMs: s.nowMs + holdMs(s, node), withdrawn: false };
  s.keepDue = true;
  const told = s.avoidsNodes ? reason : `${reason}; ${CANNOT_AVOID}: those that come to stand there are used last`;
  s.out.happened("node.isolated", told, {
    nodeId: node.id,
    inTrouble: [...node.troubles.keys()],
    servers: servers.length,
    players,
  });
  s.out.push({
    type: "record",
    record: s.records.make(s.nowMs, {
      kind: "failover",
      subject: node.id,
      outcome: `isolated with ${String(servers.length)} servers and ${String(players)} players`,
      reasons: [reason, `in trouble: ${[...node.troubles.keys()].join(", ")}`],
    }),
  });
  withdrawAll(s, node, node.isolation);
}

/** What came to stand there later stays: it would only be started there again. */
function withdrawAll(s: CoreState, node: AgentNode, isolation: Isolation): void {
  isolation.withdrawn = true;
  for (const server of [...node.servers]) {
    if (!isPrimary(server) || server.state === "terminated" || server.createdAtMs > isolation.sinceMs) continue;
    s.reindex(server);
    withdraw(s, server, node);
  }
}

/** It lets its players go, and another takes its place. */
function withdraw(s: CoreState, server: GameServer, node: AgentNode): void {
  const fleet = s.fleet(server.experienceId);
  // What fails is failed over as ever; a start that is only asked for may come up elsewhere.
  if (server.ending || server.state === "unhealthy" || server.strain || node.troubles.has(server.id)) return;
  if (fleet.config?.kind === "world" || server.engine === "held" || server.engine === "asked") return;
  leave(s, fleet, server, `node ${node.id} is isolated`);
}

function leave(s: CoreState, fleet: Fleet, server: GameServer, reason: string): void {
  beginEnding(s, server, { kind: "isolated", moveAtMs: Infinity, force: false, moving: false, reason });
  if (fleet.config) fleet.owed.push(server.id);
  s.dirty.add(fleet);
}

/** Where it has been placed, and what that means where the node is isolated. */
export function placedText(s: CoreState, { nodeId }: GameServer): string {
  const text = `on node ${nodeId ?? "?"}`;
  if (!s.nodes.get(nodeId ?? "")?.isolation) return text;
  return `${text}, which is isolated: it gets players only where no other server has room`;
}

/**
 * A new server has come to stand on an isolated node. To stop it would only have it started there again, where the engine
 * cannot avoid the node: it stays, and routing takes it last.
 */
export function noteOnIsolated(s: CoreState, server: GameServer): void {
  const node = s.nodes.get(server.nodeId ?? "");
  if (!node?.isolation || !s.deciding || !isPrimary(server)) return;
  const why = s.avoidsNodes ? "no other had room, or its start was asked for before" : CANNOT_AVOID;
  const reasons = [placedText(s, server), why];
  s.out.push({
    type: "record",
    record: s.records.make(s.nowMs, { kind: "spawn", subject: server.id, outcome: "taken last", reasons }),
  });
}

/** Isolates what is to be, and takes isolated nodes one step further: players who have somewhere to go are moved, and nodes that are well are given back. */
export function advanceIsolations(s: CoreState): void {
  for (const node of s.nodes.values()) {
    const { isolation } = node;
    if (!isolation) {
      if (node.troubles.size > 0) consider(s, node);
    } else if (s.settings.health.isolateServers === 0) restore(s, node, "isolate_servers is 0: no node is isolated");
    else if (!s.usable(node.id)) continue;
    else if (s.nowMs >= isolation.untilMs) restore(s, node, "no trouble there any more");
    else {
      if (!isolation.withdrawn && s.deciding && !s.holding) withdrawAll(s, node, isolation);
      moveSome(s, node);
    }
  }
}

/** One server of an experience at a time: what is free elsewhere was counted without those who are on their way. */
function moveSome(s: CoreState, node: AgentNode): void {
  const moving = new Set<Fleet>();
  for (const server of node.servers) {
    const { ending } = server;
    const fleet = s.fleet(server.experienceId);
    if (ending?.kind !== "isolated" || ending.moving || server.seats.size === 0 || moving.has(fleet)) continue;
    if (wholeServers(fleet) || !fitsElsewhere(fleet, server)) continue;
    moving.add(fleet);
    tightenEnding(s, server, s.nowMs, false);
  }
}

export function restore(s: CoreState, node: AgentNode, reason: string): void {
  const { isolation } = node;
  if (s.nodesBefore.delete(node.id)) s.keepDue = true;
  if (!isolation) return;
  node.isolation = null;
  s.keepDue = true;
  node.troubles.clear();
  s.out.happened("node.restored", reason, { nodeId: node.id, isolatedMs: s.nowMs - isolation.sinceMs });
  for (const server of node.servers) s.reindex(server);
}
