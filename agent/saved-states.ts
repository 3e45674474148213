import type { SavedState } from "../protocol/messages";

/** Bytes of UTF-8. */
export const MAX_PLAYER_STATE_BYTES = 4 * 1024;
export const MAX_SERVER_STATE_BYTES = 256 * 1024;

/** The latest state that one server saved of itself and of each player on it. In memory: leaders keep copies. */
export class SavedStates {
  private readonly byPlayer = new Map<string | undefined, SavedState>();

  constructor(private readonly serverId: string) {}

  /** @param playerId undefined for the server itself */
  save(playerId: string | undefined, data: string, atMs: number): SavedState {
    const before = this.byPlayer.get(playerId);
    // One that was overtaken on its way.
    if (before && before.atMs > atMs) return before;
    const state = { serverId: this.serverId, playerId, data, atMs };
    this.byPlayer.set(playerId, state);
    return state;
  }

  of(playerId: string | undefined): SavedState | undefined {
    return this.byPlayer.get(playerId);
  }

  /** The player has left: nobody will ask for it. */
  drop(playerId: string): void {
    this.byPlayer.delete(playerId);
  }

  all(): Iterable<SavedState> {
    return this.byPlayer.values();
  }
}
