import type { ScaleDownPriority } from "../../config/config";
import type { AllocationPriority } from "./allocation";
import { playersOn } from "./defragment";
import { askClose } from "./drain";
import { wholeServers, type Fleet } from "./fleet";
import { precedes } from "./find-server";
import type { GameServer } from "./game-server";
import type { CoreState } from "./state";
import { isCurrent } from "./versions";
import { isWanted } from "./wanted";

/**
 * Empty servers in the order in which they go: those of old versions first, then those of
 * isolated nodes, then `byFleetOrder`. `wanted`: with those
 * that were asked for, which come last.
 */
export function emptyServers(s: CoreState, fleet: Fleet, { wanted }: { readonly wanted: boolean }): GameServer[] {
  const empties: GameServer[] = [];
  for (const pool of fleet.index.pools()) empties.push(...pool.emptyServers());
  const old = (server: GameServer): number => Number(!isCurrent(fleet, server.version));
  const last = ({ pool }: GameServer): number => Number(pool?.choice === "last");
  const kept = (server: GameServer): number => Number(isWanted(s, server));
  const order = byFleetOrder(s, fleet);
  return empties
    .filter((server) => s.usable(server.nodeId) && s.nowMs >= server.closeAgainMs && (wanted || !isWanted(s, server)))
    .sort((a, b) => kept(a) - kept(b) || old(b) - old(a) || last(b) - last(a) || order(a, b));
}

/**
 * Which of two servers of a fleet counts less. With `pack`: those of the node in least use, one node after the other so
 * that nodes become free; among its servers priorities. With `spread`: priorities over all of them. At last the youngest:
 * old ones have shown that they last. A node's use is its servers, free or taken, where servers are given away whole, and
 * its players otherwise.
 * Source: Agones, `SortGameServersByStrategy` in `pkg/gameserversets/gameserversets.go`, which goes by name at last
 * (`Packed`), or by age with the oldest first (`Distributed`).
 */
export function byFleetOrder(s: CoreState, fleet: Fleet): (a: GameServer, b: GameServer) => number {
  const { policy, config } = fleet;
  const priorities = (policy.priorities ?? []).map(asAllocation);
  const use = nodeUse(s, fleet);
  const packed = (a: GameServer, b: GameServer): number => use(a) - use(b) || byText(a.nodeId, b.nodeId);
  const preferred = (a: GameServer, b: GameServer): number =>
    Number(precedes(b, a, priorities)) - Number(precedes(a, b, priorities));
  const youngest = (a: GameServer, b: GameServer): number => b.createdAtMs - a.createdAtMs;
  if (config?.routing.strategy === "spread") return (a, b) => preferred(a, b) || youngest(a, b);
  return (a, b) => packed(a, b) || preferred(a, b) || youngest(a, b);
}

/** Asks for a server to be closed if it is empty; what its agent then does not close stays. */
export function closeEmpty(s: CoreState, server: GameServer, kind: "scaleDown" | "rollout", reason: string): void {
  server.ending = { kind, moveAtMs: s.nowMs, force: false, moving: false, reason };
  askClose(s, server, true);
}

function nodeUse(s: CoreState, fleet: Fleet): (server: GameServer) => number {
  const known = new Map<string | null, number>();
  return (server) => {
    let use = known.get(server.nodeId);
    if (use === undefined) {
      const node = s.nodes.get(server.nodeId ?? "");
      use = wholeServers(fleet) ? (node?.taken ?? 0) + (node?.free ?? 0) : playersOn(s, server);
      known.set(server.nodeId, use);
    }
    return use;
  };
}

function asAllocation({ type, key, order }: ScaleDownPriority): AllocationPriority {
  return {
    type: type === "counter" ? "Counter" : "List",
    key,
    order: order === "ascending" ? "Ascending" : "Descending",
  };
}

function byText(a: string | null, b: string | null): number {
  return (a ?? "") < (b ?? "") ? -1 : Number(a !== b);
}
