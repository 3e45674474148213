import type { GameServer } from "./game-server";

/** A server as it sees itself: the answer to `GET /v1/gameserver` and the event of that name. */
export function serverDescription(server: GameServer, nowMs: number): object {
  const { expect, ticketKeys, labels, annotations } = server;
  const { serverId, allocationId, experienceId, version, role, region, address, ports, maxPlayers, restore } = expect;
  return {
    serverId,
    allocationId,
    experienceId,
    version,
    role,
    region,
    address,
    ports,
    maxPlayers,
    ticketKey: ticketKeys[0],
    ticketKeys,
    state: stateOf(server),
    labels,
    annotations,
    players: seatedPlayers(server),
    // What it saved itself since is newer than what it was given.
    restore:
      restore && !server.saved.of(undefined)
        ? { data: restore.data, ageMs: Math.max(0, nowMs - restore.savedAtMs) }
        : null,
  };
}

/** Joined players. */
export function seatedPlayers(server: GameServer): readonly object[] {
  const players: object[] = [];
  for (const { playerId, sessionId, generation, joinedAtMs } of server.book.state.seats.values()) {
    if (joinedAtMs !== undefined)
      players.push({ playerId, sessionId, generation, joinedAt: new Date(joinedAtMs).toISOString() });
  }
  return players;
}

function stateOf({ book: { state, empty }, draining, stopping }: GameServer): string {
  if (state.gone) return "terminated";
  if (!state.healthy) return "unhealthy";
  if (state.closed || draining || stopping) return "draining";
  if (!state.ready) return "starting";
  if (state.reserved) return "reserved";
  return empty ? "ready" : "allocated";
}
