import type { NodeFacts } from "../../protocol/messages";
import type { GameServer } from "./game-server";

/** One node's agent as the core knows it. */
export interface AgentNode {
  readonly id: string;
  facts: NodeFacts | null;
  bootId: string | null;
  connected: boolean;
  /** The engine says that the node itself is down. */
  down: boolean;
  /** The epoch that the agent acknowledged on this connection; -1 before. */
  epochAcked: number;
  snapshotSeen: boolean;
  readonly servers: Set<GameServer>;
  /** What could not be said while it was silent; bounded, oldest dropped: a snapshot brings it up again. */
  readonly owedReleases: OwedRelease[];
  readonly owedForgets: { readonly serverId: string; readonly allocationId: string }[];
  /** Servers that its snapshot had and nobody else knows, since when. */
  readonly strangers: Map<string, number>;
}

export interface OwedRelease {
  readonly serverId: string;
  readonly allocationId: string;
  readonly sessionId: string;
  readonly generation: number;
  readonly reason: string;
}

export const OWED_LIMIT = 20_000;

export function newAgentNode(id: string): AgentNode {
  return {
    id,
    facts: null,
    bootId: null,
    connected: false,
    down: false,
    epochAcked: -1,
    snapshotSeen: false,
    servers: new Set(),
    owedReleases: [],
    owedForgets: [],
    strangers: new Map(),
  };
}
