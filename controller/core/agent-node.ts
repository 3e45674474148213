import type { NodeFacts } from "../../protocol/messages";
import type { GameServer } from "./game-server";
import type { OwedForget, OwedRelease } from "./owed";

/** One node's agent as the core knows it. */
export interface AgentNode {
  readonly id: string;
  facts: NodeFacts | null;
  bootId: string | null;
  connected: boolean;
  /** The engine says that the node itself is down. */
  down: boolean;
  /** Why the engine cannot reach the node; counts as long as its agent is silent too. */
  lost: string | null;
  /** The epoch that the agent acknowledged on this connection; -1 before. */
  epochAcked: number;
  snapshotSeen: boolean;
  readonly servers: Set<GameServer>;
  /** What could not be said while it was silent; bounded, oldest dropped: a snapshot brings it up again. */
  readonly owedReleases: Map<string, OwedRelease>;
  readonly owedForgets: Map<string, OwedForget>;
  /** Servers that its snapshot had and nobody else knows, since when. */
  readonly strangers: Map<string, number>;
}

export function newAgentNode(id: string): AgentNode {
  return {
    id,
    facts: null,
    bootId: null,
    connected: false,
    down: false,
    lost: null,
    epochAcked: -1,
    snapshotSeen: false,
    servers: new Set(),
    owedReleases: new Map(),
    owedForgets: new Map(),
    strangers: new Map(),
  };
}
