const FIRST_MS = 100;
const LONGEST_MS = 5_000;
/** A program that ran for so long starts anew with the shortest wait. */
const STEADY_MS = 10_000;

/** How long a program that ended waits for its next start: 100 ms, then twice as long each time, 5 s at most. */
export class Backoff {
  private failures = 0;

  /** @param ranMs how long the program ran this time */
  next(ranMs: number): number {
    this.failures = ranMs >= STEADY_MS ? 0 : this.failures + 1;
    return Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.max(0, this.failures - 1));
  }
}
