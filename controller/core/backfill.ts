import { seatsHeld, type GameServer } from "./game-server";
import type { Group } from "./group";

/**
 * A match that wants more players says up to how many, in this annotation of its server: the server itself over its SDK, or
 * whoever asked for the match. Those who come alone or in parties are put into it as long as it has fewer, before they are
 * put anywhere else: on a server that they share with others, or on one that is claimed for them. Taken away or reached, nobody
 * more comes. It goes with its match: the next one on the server wants nobody until it says so.
 */
export const BACKFILL = "forge.backfill-to";

/** How many more players its match wants; 0 where there is no match, or it wants nobody. */
export function openPlaces(server: GameServer): number {
  const wanted = server.matchId === null ? undefined : server.annotations[BACKFILL];
  if (wanted === undefined || !/^\d{1,5}$/.test(wanted)) return 0;
  return Math.max(0, Math.min(Number(wanted), server.maxPlayers) - seatsHeld(server));
}

/** The match that this group plays on the server: the one that is there and wants them, their own, or none. */
export function matchOf(group: Group, server: GameServer): string | null {
  return group.kind === "join" ? (server.matchId ?? ownMatch(group)) : group.matchId;
}

/** It is put beside those who play there, and plays nothing by itself should they be done before its seats are granted. */
export function isPutInto({ kind, matchId }: Group, server: GameServer): boolean {
  return (kind === "join" || kind === "route") && matchId !== null && server.matchId === matchId;
}

/** Once a match that it was to be put into has not taken it: what it plays by itself. */
export function backToOwn(group: Group): void {
  if (group.kind !== "join") return;
  group.matchId = ownMatch(group);
  for (const session of group.sessions) session.matchId = group.matchId;
}

function ownMatch({ whole, sessions }: Group): string | null {
  return whole ? `party-${sessions[0]?.id ?? ""}` : null;
}
