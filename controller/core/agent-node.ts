import type { NodeFacts, RegionDrain } from "../../protocol/messages";
import { isTaken, type GameServer } from "./game-server";
import type { Isolation } from "./isolation";
import type { OwedForget, OwedRelease } from "./owed";

/** One node's agent as the core knows it. */
export interface AgentNode {
  readonly id: string;
  /** Since when it is known here. */
  readonly knownMs: number;
  facts: NodeFacts | null;
  bootId: string | null;
  /** The version that it speaks with this controller; 0 until it has said so. */
  protocol: number;
  connected: boolean;
  /** When it was last heard, where it was heard and is no longer. */
  silentSinceMs: number | null;
  /** The engine says that the node itself is down. */
  down: boolean;
  /** Why the engine cannot reach the node; counts as long as its agent is silent too. */
  lost: string | null;
  /** The epoch that the agent acknowledged on this connection; -1 before. */
  epochAcked: number;
  snapshotSeen: boolean;
  /** The epoch that its agent followed when it last told all it has; -1 before. */
  epochTold: number;
  /** What its agent said of itself: `AgentAbility`. */
  can: ReadonlySet<string>;
  /** When its agent last made a handshake with a server of another node. */
  reachedMs: number;
  /** Its servers that were lately in trouble, and when. */
  readonly troubles: Map<string, number>;
  /** It is kept from players and servers; null where it is not. */
  isolation: Isolation | null;
  timesIsolated: number;
  lastIsolatedMs: number;
  /** What it keeps of the region's drain, as far as is known. */
  drain: RegionDrain | undefined;
  readonly servers: Set<GameServer>;
  /** How many of them somebody has, and how many are free; `countOnNode` keeps it. */
  taken: number;
  free: number;
  /** What could not be said while it was silent; bounded, oldest dropped: a snapshot brings it up again. */
  readonly owedReleases: Map<string, OwedRelease>;
  readonly owedForgets: Map<string, OwedForget>;
  /** Servers that its snapshot had and nobody else knows, since when. */
  readonly strangers: Map<string, number>;
}

export function newAgentNode(id: string, knownMs: number): AgentNode {
  return {
    id,
    knownMs,
    facts: null,
    bootId: null,
    protocol: 0,
    connected: false,
    silentSinceMs: null,
    down: false,
    lost: null,
    epochAcked: -1,
    snapshotSeen: false,
    epochTold: -1,
    can: new Set(),
    reachedMs: -Infinity,
    troubles: new Map(),
    isolation: null,
    timesIsolated: 0,
    lastIsolatedMs: -Infinity,
    drain: undefined,
    servers: new Set(),
    taken: 0,
    free: 0,
    owedReleases: new Map(),
    owedForgets: new Map(),
    strangers: new Map(),
  };
}

/** Brings the node's counts up to date with a server whose place in its fleet's index has just been. */
export function countOnNode(server: GameServer, node: AgentNode | undefined): void {
  const { onNode } = server;
  if (onNode) onNode.node[onNode.as]--;
  const as = server.emptySlot >= 0 ? "free" : server.counted && isTaken(server) ? "taken" : undefined;
  server.onNode = node && as ? { node, as } : null;
  if (node && as) node[as]++;
}
