import { seatsHeld, type GameServer } from "./game-server";
import type { Group } from "./group";

/**
 * A match that wants more players says up to how many, in this annotation of its server: the server itself over its SDK, or
 * whoever asked for the match. Those who come alone or in parties are put into it as long as it has fewer, before another
 * server is claimed for them. Taken away or reached, nobody more comes.
 */
export const BACKFILL = "forge.backfill-to";

/** How many more players its match wants; 0 where there is no match, or it wants nobody. */
export function openPlaces(server: GameServer): number {
  const wanted = server.matchId === null ? undefined : server.annotations[BACKFILL];
  if (wanted === undefined || !/^\d{1,5}$/.test(wanted)) return 0;
  return Math.max(0, Math.min(Number(wanted), server.maxPlayers) - seatsHeld(server));
}

/** The match that this group plays on the server: the one that is there and wants them, or their own. */
export function matchOf(group: Group, server: GameServer): string | null {
  if (group.kind !== "join" || group.matchId === null) return group.matchId;
  return server.matchId ?? `party-${group.sessions[0]?.id ?? ""}`;
}
