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
 * A failure counts only where the node that tried has reached some other server lately: its own network may be what is
 * broken. So with one node nothing is tried, and with two a node that nobody reaches at all is not told from one that
 * reaches nobody.
 */
export interface Reach {
  nextMs: number;
  failures: number;
  successes: number;
  /** Why it counts as out of reach; null where it does not. */
  unreachable: string | null;
}

/** One that was not reached is tried again so soon, in milliseconds. */
const AGAIN_MS = 2000;
/** The longest that one handshake may take: its answer must come before requests are given up. */
const LONGEST_MS = 4000;
/** At most so many handshakes are under way in a region. */
const AT_ONCE = 128;
/** A node's word counts for so many intervals after it last reached a server. */
const BELIEVED_INTERVALS = 3;

/** Has the servers tried whose time has come. */
export function tryReach(s: CoreState): void {
  const { reachIntervalSecs, timeoutSecs } = s.settings.health;
  if (reachIntervalSecs === 0 || !s.deciding) return;
  const probers = [...s.nodes.values()].filter((node) => node.can.has("reach") && s.usable(node.id));
  if (probers.length < 2) return;
  for (const server of s.servers.values()) {
    if (s.reaching.size >= AT_ONCE) return;
    const { reach, allocationId } = server;
    if (s.nowMs < reach.nextMs || s.reaching.has(server) || allocationId === null) continue;
    if (!isPrimary(server) || !takesPlayers(server.state)) continue;
    const how = howToReach(s.fleet(server.experienceId).config, server);
    const address = publicAddress(s, server);
    const from = nextProber(s, probers, server);
    if (!how || !address || !from) continue;
    s.reaching.add(server);
    const timeoutMs = Math.min(LONGEST_MS, timeoutSecs * 1000);
    const body = { kind: "reach" as const, serverId: server.id, allocationId, address, ...how, timeoutMs };
    s.send(from.id, body, { kind: "reach", server, from });
  }
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
export function onReached(s: CoreState, { server, from }: ReachPurpose, ack: Ack | undefined): void {
  const { reach } = server;
  const { reachIntervalSecs, unhealthyThreshold, healthyThreshold } = s.settings.health;
  const everyMs = reachIntervalSecs * 1000;
  s.reaching.delete(server);
  reach.nextMs = s.nowMs + everyMs;
  if (ack?.ok) {
    from.reachedMs = s.nowMs;
    reach.failures = 0;
    reach.successes++;
    if (reach.unreachable === null) return;
    if (reach.successes >= healthyThreshold) reach.unreachable = null;
  } else {
    const believed = s.nowMs - from.reachedMs <= BELIEVED_INTERVALS * everyMs;
    if (ack?.code !== "unreachable" || !believed) return;
    reach.successes = 0;
    reach.failures++;
    reach.nextMs = s.nowMs + Math.min(everyMs, AGAIN_MS);
    if (reach.failures < unhealthyThreshold) return;
    reach.unreachable = `not reached from node ${from.id}: ${ack.detail}`;
  }
  if (takesPlayers(server.state)) judge(s, server);
}
