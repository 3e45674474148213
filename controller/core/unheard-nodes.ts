import type { SavedState, SeatReport } from "../../protocol/messages";
import type { AgentNode } from "./agent-node";
import { keepEarly } from "./early-seats";
import type { GameServer } from "./game-server";
import { learnSeats } from "./granted";
import { carryOf } from "./placement";
import type { PlayerSession } from "./player-session";
import type { CoreState } from "./state";

/**
 * What one controller knows of a node that it does not hear now, for another of its region that has started since: the node's
 * agent cannot tell that one, and were all replaced one after the other meanwhile, as in an upgrade, nobody would know whom
 * to move once the node is down.
 */
export interface UnheardNode {
  readonly nodeId: string;
  /** When it was last heard, in milliseconds since 1970; 0 where whoever tells never heard it either. */
  readonly heardMs: number;
  readonly servers: readonly UnheardServer[];
  readonly saved: readonly SavedState[];
}

export interface UnheardServer {
  readonly serverId: string;
  readonly allocationId: string;
  /** The match that has the whole of it. */
  readonly matchId: string | undefined;
  readonly seats: readonly SeatReport[];
}

/** Saved states in one answer, in characters: what fits into the memory of both beside everything else. */
const STATES_LIMIT = 8 * 1024 * 1024;

/** All nodes that are not heard and not given up, with whoever has a seat there. */
export function unheardNodes(s: CoreState): UnheardNode[] {
  let room = STATES_LIMIT;
  const savedOf = (serverId: string): SavedState[] =>
    s.saved.ofServer(serverId).filter(({ data }) => (room -= data.length) >= 0);
  return [...s.nodes.values()].flatMap((node) => {
    const seated = node.connected || node.down ? [] : [...node.servers].filter(isSeated);
    if (seated.length === 0) return [];
    const servers = seated.map(unheardServer);
    return [
      { nodeId: node.id, heardMs: node.silentSinceMs ?? 0, servers, saved: seated.flatMap(({ id }) => savedOf(id)) },
    ];
  });
}

function isSeated({ seats, endedAtMs }: GameServer): boolean {
  return seats.size > 0 && endedAtMs === null;
}

function unheardServer({ id, allocationId, matchId, seats }: GameServer): UnheardServer {
  return {
    serverId: id,
    allocationId: allocationId ?? "",
    matchId: matchId ?? undefined,
    seats: [...seats].map(seatOf),
  };
}

function seatOf(session: PlayerSession): SeatReport {
  const { id: sessionId, playerId, generation, joined, connectedAtMs } = session;
  return {
    sessionId,
    playerId,
    generation,
    joined,
    grantedAtMs: connectedAtMs,
    joinedAtMs: undefined,
    leaseExpiresAtMs: undefined,
    carry: carryOf(session),
  };
}

/** What another controller knows of nodes. Who decides has what it knows from the agents themselves, or did without. */
export function onUnheard(s: CoreState, nodes: readonly UnheardNode[]): void {
  if (s.deciding) return;
  for (const { nodeId, heardMs, servers, saved } of nodes) {
    const node = s.node(nodeId);
    if (knowsBetter(node, heardMs)) continue;
    for (const state of saved) s.saved.put(state);
    for (const told of servers) takeTold(s, node, told);
  }
}

/** It hears the node, or has heard it later than who tells of it. */
function knowsBetter({ connected, silentSinceMs, snapshotSeen }: AgentNode, heardMs: number): boolean {
  return connected || snapshotSeen || (silentSinceMs !== null && silentSinceMs >= heardMs);
}

function takeTold(s: CoreState, node: AgentNode, { serverId, allocationId, matchId, seats }: UnheardServer): void {
  const server = s.servers.get(serverId);
  if (!server) return keepEarly(s, node.id, { serverId, allocationId }, seats, matchId);
  if (server.endedAtMs === null && server.nodeId === node.id && server.allocationId === allocationId)
    learnSeats(s, node, server, seats, matchId);
}
