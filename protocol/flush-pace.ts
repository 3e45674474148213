/** So many writes may follow each other without waiting; as many come back each millisecond as pass. */
const BURST = 8;

/**
 * How often a stream is written to. A few writes go out at once, so a question and its answer lose no time; a stream that
 * is written to more than once a millisecond for longer than that is written to each millisecond, with all that was said
 * meanwhile. The other side then wakes, reads and answers as seldom, and each of those is a system call as well: at
 * thousands of messages a second they cost more than what is said.
 */
export class FlushPace {
  private credit = BURST;
  private lastMs = -Infinity;

  /** Whether what was said is to be written at the end of this turn of the event loop; else a millisecond later. */
  atOnce(nowMs: number): boolean {
    // A clock that was set back gives nothing.
    this.credit = Math.min(BURST, this.credit + Math.max(0, nowMs - this.lastMs)) - 1;
    this.lastMs = nowMs;
    return this.credit >= 0;
  }
}
