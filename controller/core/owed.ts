import type { AgentNode } from "./agent-node";
import type { CoreState, RequestPurpose } from "./state";

/** What an agent must hear, sooner or later: said at once where it listens, else kept until it does. */
export interface OwedRelease {
  readonly serverId: string;
  readonly allocationId: string;
  readonly sessionId: string;
  readonly generation: number;
  readonly reason: string;
}

export interface OwedForget {
  readonly serverId: string;
  readonly allocationId: string;
  readonly reason: string;
}

/** A node that is away for so much is told the newest; its snapshot brings the rest up again. */
const OWED_LIMIT = 20_000;

/** Gives a seat back at the agent. */
export function release(s: CoreState, node: AgentNode, owed: OwedRelease): void {
  if (!s.usable(node.id)) return keep(node.owedReleases, releaseKey(owed), owed);
  const { serverId, allocationId, sessionId, generation, reason } = owed;
  const seats = [{ sessionId, generation }];
  s.send(node.id, { kind: "release", serverId, allocationId, seats, reason }, { kind: "release", owed });
}

/** The agent still has to hear that this seat was given back. */
export function isOwed(node: AgentNode, seat: Pick<OwedRelease, "serverId" | "sessionId" | "generation">): boolean {
  return node.owedReleases.has(releaseKey(seat));
}

/** Has the agent drop a server that has ended. */
export function forget(s: CoreState, node: AgentNode, owed: OwedForget): void {
  if (!s.usable(node.id)) return keep(node.owedForgets, allocationKey(owed), owed);
  const { serverId, allocationId, reason } = owed;
  s.send(node.id, { kind: "ended", serverId, allocationId, reason }, { kind: "told" });
  s.send(node.id, { kind: "forget", serverId, allocationId }, { kind: "forget", owed });
}

/** The agent still has to hear that this server is over and settled. */
export function isForgotten(node: AgentNode, server: Pick<OwedForget, "serverId" | "allocationId">): boolean {
  return node.owedForgets.has(allocationKey(server));
}

/** Whether it arrived is not known: it is owed once more. */
export function oweAgain(node: AgentNode, purpose: Extract<RequestPurpose, { kind: "release" | "forget" }>): void {
  if (purpose.kind === "release") keep(node.owedReleases, releaseKey(purpose.owed), purpose.owed);
  else keep(node.owedForgets, allocationKey(purpose.owed), purpose.owed);
}

/** Takes it from what is owed, to say it now. False where it has been said since, or must not be said any more. */
export function takeOwed(node: AgentNode, purpose: Extract<RequestPurpose, { kind: "release" | "forget" }>): boolean {
  return purpose.kind === "release"
    ? node.owedReleases.delete(releaseKey(purpose.owed))
    : node.owedForgets.delete(allocationKey(purpose.owed));
}

/**
 * These sessions wait, move or begin their match under another leader, who may give the same seat with the same generation,
 * or find it given and tell it: what is owed of them would take that one back. A seat that is there after all is told by its agent, or goes with its lease.
 */
export function oweNoMore(nodes: Iterable<AgentNode>, sessionIds: ReadonlySet<string>): void {
  for (const { owedReleases } of nodes)
    for (const [key, { sessionId }] of owedReleases) if (sessionIds.has(sessionId)) owedReleases.delete(key);
}

/** The agent listens again. */
export function payOwed(s: CoreState, node: AgentNode): void {
  const releases = [...node.owedReleases.values()];
  const forgets = [...node.owedForgets.values()];
  node.owedReleases.clear();
  node.owedForgets.clear();
  for (const owed of releases) release(s, node, owed);
  for (const owed of forgets) forget(s, node, owed);
}

function releaseKey({
  serverId,
  sessionId,
  generation,
}: Pick<OwedRelease, "serverId" | "sessionId" | "generation">): string {
  return `${serverId}\n${sessionId}\n${String(generation)}`;
}

/** One server as it runs there: placed anew it is another. */
export function allocationKey({ serverId, allocationId }: Pick<OwedForget, "serverId" | "allocationId">): string {
  return `${serverId}\n${allocationId}`;
}

function keep<T>(map: Map<string, T>, key: string, owed: T): void {
  keepNewest(map, key, owed, OWED_LIMIT);
}

/** Of more than `limit` the oldest goes. */
export function keepNewest<T>(map: Map<string, T>, key: string, value: T, limit: number): void {
  map.set(key, value);
  if (map.size <= limit) return;
  const oldest = map.keys().next();
  if (!oldest.done) map.delete(oldest.value);
}
