import type { ExperienceConfig } from "../../config/config";
import type { Ack, ReachHow } from "../../protocol/messages";
import type { AgentNode } from "./agent-node";
import { isPrimary, type GameServer } from "./game-server";
import { takesPlayers } from "./lifecycle";
import type { CoreState, RequestPurpose } from "./state";
import { publicAddress } from "./views";
import { judge } from "./vitals";

/**
 * Whether players can reach a server, tried as they do it: each `reachIntervalSecs` the agent of another node, each time
 * the next one, makes a handshake with its public address. What its own node's probes find says nothing of the network
 * between.
 *
 *     reached -- unhealthyThreshold failures in a row --> unreachable -- healthyThreshold successes --> reached
 *
 * A failure counts only where the node that tried has reached some other server since: its own network may be what is
 * broken. So with one node nothing is tried, and with two a node that nobody reaches at all is not told from one that
 * reaches nobody.
 */
export interface Reach {
  nextMs: number;
  /** In a row, the newest last. */
  failures: readonly Failure[];
  successes: number;
  /** Why it counts as out of reach; null where it does not. */
  unreachable: string | null;
}

interface Failure {
  readonly from: AgentNode;
  readonly atMs: number;
}

/** One that was not reached is tried again so soon, in milliseconds. */
const AGAIN_MS = 2000;
/** The longest that one handshake may take: its answer must come before requests are given up. */
const LONGEST_MS = 4000;
/** At most so many handshakes are under way in a region. */
const AT_ONCE = 128;
/** So many failures more than are needed are remembered: the newest are not borne out yet. */
const FAILURES_MORE = 16;

/** Has the servers tried whose time has come. */
export function tryReach(s: CoreState): void {
  const { reachIntervalSecs } = s.settings.health;
  if (reachIntervalSecs === 0 || !s.deciding) return;
  const probers = [...s.nodes.values()].filter((node) => node.can.has("reach") && s.usable(node.id));
  if (probers.length < 2) return;
  for (const server of s.servers.values()) {
    if (s.reaching.size >= AT_ONCE) return;
    if (s.nowMs < server.reach.nextMs || !mayBeTried(s, server)) continue;
    const from = nextProber(s, probers, server);
    if (from) tryFrom(s, server, from, false);
  }
}

function mayBeTried(s: CoreState, server: GameServer): boolean {
  if (s.reaching.has(server) || !isPrimary(server) || !takesPlayers(server.state)) return false;
  return howToReach(s.fleet(server.experienceId).config, server) !== undefined && publicAddress(s, server) !== null;
}

/** @param control to see whether that node reaches anybody */
function tryFrom(s: CoreState, server: GameServer, from: AgentNode, control: boolean): void {
  const { id: serverId, allocationId, experienceId } = server;
  const how = howToReach(s.fleet(experienceId).config, server);
  const address = publicAddress(s, server);
  if (!how || !address || allocationId === null) return;
  s.reaching.add(server);
  const timeoutMs = Math.min(LONGEST_MS, s.settings.health.timeoutSecs * 1000);
  const body = { kind: "reach" as const, serverId, allocationId, address, ...how, timeoutMs };
  s.send(from.id, body, { kind: "reach", server, from, control });
}

/** It has not reached this one: another is tried at once, of another node where there is one, so that it is known whose fault that was. */
function tryAnother(s: CoreState, failed: GameServer, from: AgentNode): void {
  if (s.reaching.size >= AT_ONCE || !s.usable(from.id)) return;
  let best: GameServer | undefined;
  for (const server of s.servers.values()) {
    const { nodeId, reach } = server;
    if (nodeId === from.id || reach.failures.length > 0 || reach.unreachable !== null || !mayBeTried(s, server))
      continue;
    if (nodeId !== failed.nodeId) return tryFrom(s, server, from, true);
    best ??= server;
  }
  if (best) tryFrom(s, best, from, true);
}

function nextProber(s: CoreState, probers: readonly AgentNode[], server: GameServer): AgentNode | undefined {
  for (let i = 0; i < probers.length; i++) {
    const node = probers[s.nextProber++ % probers.length];
    if (node && node.id !== server.nodeId) return node;
  }
  return undefined;
}

/** The handshake that its experience's ports allow; undefined where there is none: UDP has one only with a query protocol. */
function howToReach(
  config: ExperienceConfig | null,
  { ports }: GameServer,
): { readonly how: ReachHow; readonly port: number } | undefined {
  if (!config) return undefined;
  const { health } = config;
  if (health.kind === "query") {
    const port = ports[health.port];
    return port === undefined ? undefined : { how: { kind: "query", protocol: health.protocol }, port };
  }
  for (const [name, { protocol }] of Object.entries(config.ports)) {
    const port = ports[name];
    if (port !== undefined && protocol !== "udp") return { how: { kind: protocol }, port };
  }
  return undefined;
}

type ReachPurpose = Extract<RequestPurpose, { kind: "reach" }>;

/** The other node has tried, or will not say (undefined). */
export function onReached(s: CoreState, { server, from, control }: ReachPurpose, ack: Ack | undefined): void {
  const { reach } = server;
  const { reachIntervalSecs, unhealthyThreshold, healthyThreshold } = s.settings.health;
  const everyMs = reachIntervalSecs * 1000;
  s.reaching.delete(server);
  reach.nextMs = s.nowMs + everyMs;
  if (ack?.ok) {
    from.reachedMs = s.nowMs;
    reach.failures = [];
    reach.successes++;
    if (reach.unreachable === null) return;
    if (reach.successes >= healthyThreshold) reach.unreachable = null;
  } else {
    if (ack?.code !== "unreachable") return;
    reach.successes = 0;
    reach.failures = [...reach.failures, { from, atMs: s.nowMs }].slice(-unhealthyThreshold - FAILURES_MORE);
    reach.nextMs = s.nowMs + Math.min(everyMs, AGAIN_MS);
    const borneOut = reach.failures.filter((failure) => failure.from.reachedMs >= failure.atMs);
    if (!control) tryAnother(s, server, from);
    if (borneOut.length < unhealthyThreshold) return;
    reach.unreachable = `not reached from node ${from.id}: ${ack.detail}`;
  }
  if (takesPlayers(server.state)) judge(s, server);
}
