/**
 * Whether a region is being drained, kept by its agents so that every leader goes on with it. Of two the newer counts:
 * the higher epoch, and within one the later time.
 */
export interface RegionDrain {
  readonly on: boolean;
  /** Of the leader that was told. */
  readonly epoch: number;
  readonly atMs: number;
  /** From when on its players are moved to other regions. */
  readonly movesAtMs: number;
}
