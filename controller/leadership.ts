/**
 * Who leads a region. A lock gives liveness, an epoch safety: agents refuse an epoch lower than the highest they have
 * journaled, so a leader that was replaced can do no harm (DESIGN: leading).
 */
export interface Leadership {
  /** Calls back when this controller begins or ceases to lead. */
  start(onChange: (leader: boolean, epoch: number) => void): Promise<void>;
  /** An agent has seen a higher epoch than ours: lead again only with one above it, if at all. */
  outrun(seenEpoch: number): void;
  close(): Promise<void>;
}
