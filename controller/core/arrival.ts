/** Players who come from a region that is being drained: placed together, as one party or one match. */
export interface Arrival {
  readonly fromRegion: string;
  readonly experienceId: string;
  /** As they asked: undefined where any will do. */
  readonly version: string | undefined;
  readonly mods: readonly string[];
  /** Takes a whole server; with what its server was told of it. */
  readonly match:
    | {
        readonly matchId: string;
        readonly labels: Readonly<Record<string, string>>;
        readonly annotations: Readonly<Record<string, string>>;
      }
    | undefined;
  readonly players: readonly ArrivingPlayer[];
}

export interface ArrivingPlayer {
  readonly playerId: string;
  /** Everybody of the party; empty for one who came alone. */
  readonly party: readonly string[];
  readonly latencies: Readonly<Record<string, number>>;
  readonly connectedAtMs: number;
  /** The session in the region that is left, and how often it was moved there. */
  readonly sessionId: string;
  readonly generation: number;
  readonly moves: number;
  /** What the server that is left had saved of them, at most 4 KiB. */
  readonly restore: { readonly data: string; readonly savedAtMs: number } | undefined;
}
