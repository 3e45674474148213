import type { SavedState } from "../../protocol/messages";

/** All saved states together; beyond it the oldest go. */
const BUDGET_BYTES = 64 * 1024 * 1024;
export const PLAYER_STATE_BYTES = 4 * 1024;
export const SERVER_STATE_BYTES = 256 * 1024;

/** The newest state that each server saved of each player and of itself, to be carried to where they go on. */
export class SavedStates {
  /** `serverId\nplayerId`, with no player for the server's own; the oldest first. */
  private readonly states = new Map<string, SavedState>();
  /** Players with a state, by server, so that a server's states go with it. */
  private readonly byServer = new Map<string, Set<string>>();
  private bytes = 0;

  constructor(private readonly budget = BUDGET_BYTES) {}

  /** Takes a newer state; ignores an older or larger one than is allowed. */
  put(state: SavedState): void {
    const limit = state.playerId === undefined ? SERVER_STATE_BYTES : PLAYER_STATE_BYTES;
    if (state.data.length > limit) return;
    const key = keyOf(state.serverId, state.playerId);
    const before = this.states.get(key);
    if (before && before.atMs > state.atMs) return;
    this.remove(key);
    this.states.set(key, state);
    this.bytes += state.data.length;
    let keys = this.byServer.get(state.serverId);
    if (!keys) this.byServer.set(state.serverId, (keys = new Set()));
    keys.add(key);
    while (this.bytes > this.budget) {
      const oldest = this.states.keys().next();
      if (oldest.done) return;
      this.remove(oldest.value);
    }
  }

  get(serverId: string, playerId?: string): { readonly data: string; readonly savedAtMs: number } | undefined {
    const state = this.states.get(keyOf(serverId, playerId));
    return state && { data: state.data, savedAtMs: state.atMs };
  }

  /** All that it has saved, of players and of itself. */
  ofServer(serverId: string): SavedState[] {
    return [...(this.byServer.get(serverId) ?? [])].flatMap((key) => this.states.get(key) ?? []);
  }

  dropPlayer(serverId: string, playerId: string): void {
    this.remove(keyOf(serverId, playerId));
  }

  dropServer(serverId: string): void {
    for (const key of [...(this.byServer.get(serverId) ?? [])]) this.remove(key);
  }

  get size(): number {
    return this.states.size;
  }

  private remove(key: string): void {
    const state = this.states.get(key);
    if (!state) return;
    this.states.delete(key);
    this.bytes -= state.data.length;
    const keys = this.byServer.get(state.serverId);
    keys?.delete(key);
    if (keys?.size === 0) this.byServer.delete(state.serverId);
  }
}

function keyOf(serverId: string, playerId: string | undefined): string {
  return `${serverId}\n${playerId ?? ""}`;
}
