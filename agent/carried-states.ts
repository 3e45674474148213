import type { SavedState } from "../protocol/messages";
import type { GameServer } from "./game-server";
import type { Seat } from "./seats/seat-record";

/**
 * What controllers have to keep of a server: what it saved, and what it and its players brought along as long as it has not
 * saved that anew. Without the latter a player who is moved twice in a row goes on with nothing.
 */
export function* carriedStates(server: GameServer): Iterable<SavedState> {
  yield* server.saved.all();
  yield* broughtAlong(server, [...server.book.state.seats.values()]);
}

/** What it and these players came with and has not been saved anew since. */
export function* broughtAlong(server: GameServer, seats: readonly Seat[]): Iterable<SavedState> {
  const { serverId, saved, expect } = server;
  for (const { playerId, restore } of [{ playerId: undefined, restore: expect.restore }, ...seats])
    if (restore && !saved.of(playerId)) yield { serverId, playerId, data: restore.data, atMs: restore.savedAtMs };
}
