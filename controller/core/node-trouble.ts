import type { AgentNode } from "./agent-node";
import { isPrimary, type GameServer } from "./game-server";
import type { CoreState } from "./state";

/** Trouble counts together for so long, in milliseconds. */
const TOGETHER_MS = 60_000;
/** So much of a node is in trouble, and so many times as much as of the others. */
const LEAST_SHARE = 0.5;
const TIMES_OTHERS = 2;
/** A node is not isolated for longer than this after its last trouble. */
export const LONGEST_ISOLATION_MS = 3_600_000;

/**
 * A server has failed, or is over its limits. What that says of its node is decided with the next tick: where a whole region
 * is in trouble, one node is heard of first.
 */
export function noteTrouble(s: CoreState, server: GameServer): void {
  const node = server.nodeId === null ? undefined : s.nodes.get(server.nodeId);
  const { isolateServers } = s.settings.health;
  if (!node || node.down || !s.deciding || isolateServers === 0 || !isPrimary(server)) return;
  node.troubles.set(server.id, s.nowMs);
  forgetOld(s, node);
  if (!node.isolation) return;
  node.isolation.untilMs = s.nowMs + holdMs(s, node);
  s.keepDue = true;
}

/** What was long ago counts no more. */
export function forgetOld(s: CoreState, { troubles }: AgentNode): void {
  for (const [id, atMs] of troubles) if (atMs < s.nowMs - TOGETHER_MS) troubles.delete(id);
}

/** Whether the node is the likeliest cause of what its servers suffer. */
export function isTheNode(s: CoreState, node: AgentNode): boolean {
  if (node.troubles.size < s.settings.health.isolateServers || ofOneNewVersion(s, node)) return false;
  const share = shareInTrouble([node]);
  const others = [...s.nodes.values()].filter((other) => other !== node && !other.down && !other.isolation);
  for (const other of others) forgetOld(s, other);
  return share >= LEAST_SHARE && share >= TIMES_OTHERS * shareInTrouble(others);
}

function shareInTrouble(nodes: readonly AgentNode[]): number {
  let ill = 0;
  let all = 0;
  for (const { servers, troubles } of nodes) {
    ill += troubles.size;
    all += troubles.size;
    for (const server of servers)
      if (isPrimary(server) && server.state !== "terminated" && !troubles.has(server.id)) all++;
  }
  return all === 0 ? 0 : ill / all;
}

/** A version that is being taken in may be what fails: its rollout sees to that. */
function ofOneNewVersion(s: CoreState, { troubles }: AgentNode): boolean {
  return [...troubles.keys()].every((id) => {
    const server = s.servers.get(id);
    return server !== undefined && s.fleet(server.experienceId).rollout?.to === server.version;
  });
}

/** Longer each time that it came back and failed again. */
export function holdMs(s: CoreState, { timesIsolated }: AgentNode): number {
  return Math.min(LONGEST_ISOLATION_MS, s.settings.health.isolateSecs * 1000 * 2 ** Math.min(timesIsolated - 1, 12));
}
