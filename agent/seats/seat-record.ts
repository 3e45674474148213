import type { SessionCarry } from "../../protocol/messages";

/** One player's place on a server. Unjoined it is a lease; joined it lasts until the player leaves. */
export interface Seat {
  readonly sessionId: string;
  readonly playerId: string;
  readonly generation: number;
  readonly grantedAtMs: number;
  readonly joinedAtMs: number | undefined;
  /** Undefined once joined, and where joins are not reported (`seats = "match"`): then only the match's end frees it. */
  readonly leaseExpiresAtMs: number | undefined;
  readonly carry: SessionCarry;
  /** What the server that the player lost had saved of them. */
  readonly restore: { readonly data: string; readonly savedAtMs: number } | undefined;
}

export interface SeatKey {
  readonly sessionId: string;
  readonly generation: number;
}

/**
 * Everything that can change what is known of a server's seats, as the journal holds it. Values, not intentions:
 * applying a record decides nothing, so a newer program reads an older one's journal to the same state.
 */
export type SeatRecord =
  | { readonly kind: "granted"; readonly seats: readonly Seat[] }
  | { readonly kind: "claimed"; readonly matchId: string; readonly seats: readonly Seat[] }
  | { readonly kind: "joined"; readonly sessionId: string; readonly atMs: number }
  | { readonly kind: "dropped"; readonly seats: readonly SeatKey[] }
  | { readonly kind: "matchEnded" }
  | { readonly kind: "walkIns"; readonly walkIns: WalkIns }
  | { readonly kind: "ready" }
  | { readonly kind: "reserved"; readonly untilMs: number | undefined }
  /** By its own word, without a match that was asked for. */
  | { readonly kind: "selfAllocated" }
  | { readonly kind: "health"; readonly healthy: boolean; readonly reason: string }
  | { readonly kind: "closed" }
  | { readonly kind: "gone"; readonly reason: string; readonly atMs: number }
  /** The whole of it at once: what a compacted journal begins with. */
  | { readonly kind: "state"; readonly state: SeatStateData };

/** Players without a seat. Names are known where logs or a query tell them. */
export interface WalkIns {
  readonly count: number;
  readonly names: readonly string[];
}

export interface Claim {
  readonly matchId: string;
  readonly sessionIds: readonly string[];
  /** Whether anybody of it has come. */
  readonly started: boolean;
}

/** A server's seats as plain data. */
export interface SeatStateData {
  readonly ready: boolean;
  readonly reserved: { readonly untilMs: number | undefined } | undefined;
  /** Left out by agents that did not know it. */
  readonly selfAllocated?: boolean;
  readonly healthy: boolean;
  readonly healthReason: string;
  readonly closed: boolean;
  readonly gone: { readonly reason: string; readonly atMs: number } | undefined;
  readonly claim: Claim | undefined;
  readonly walkIns: WalkIns;
  readonly seats: readonly Seat[];
  /** Highest generations of sessions that were here, newest last. */
  readonly former: readonly SeatKey[];
}
