/** Where a controller stands now. */
export interface LeadershipChange {
  readonly leader: boolean;
  readonly epoch: number;
  /** It leads, but is not sure to lead alone: see `core/holding.ts`. */
  readonly holding?: boolean;
  /** Of a standby: where the leader's API answers, if that is known. */
  readonly leaderUrl?: string;
}

/**
 * Who leads a region. A lock gives liveness, an epoch safety: agents refuse an epoch lower than the highest they have
 * journaled, so a leader that was replaced can do no harm (DESIGN: leading).
 */
export interface Leadership {
  /** Calls back when this controller begins or ceases to lead. */
  start(onChange: (change: LeadershipChange) => void): Promise<void>;
  /**
   * Until when, in milliseconds since 1970, it surely leads alone; Infinity where nobody else could. Asked before each
   * input: a process that was stopped for a while must not act on what it knew before.
   */
  certainUntilMs(): number;
  /** An agent has seen a higher epoch than ours: lead again only with one above it, if at all. */
  outrun(seenEpoch: number): void;
  close(): Promise<void>;
}
