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
  readonly owedReleases: Map<string, OwedRelease>;
  readonly owedForgets: Map<string, OwedForget>;
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

export interface OwedForget {
  readonly serverId: string;
  readonly allocationId: string;
}

const OWED_LIMIT = 20_000;

export function oweRelease(node: AgentNode, owed: OwedRelease): void {
  owe(node.owedReleases, `${owed.serverId}\n${owed.sessionId}\n${String(owed.generation)}`, owed);
}

export function oweForget(node: AgentNode, owed: OwedForget): void {
  owe(node.owedForgets, `${owed.serverId}\n${owed.allocationId}`, owed);
}

function owe<T>(map: Map<string, T>, key: string, owed: T): void {
  map.set(key, owed);
  if (map.size <= OWED_LIMIT) return;
  const oldest = map.keys().next();
  if (!oldest.done) map.delete(oldest.value);
}

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
    owedReleases: new Map(),
    owedForgets: new Map(),
    strangers: new Map(),
  };
}
