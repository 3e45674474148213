/** How many of the newest are looked at. */
const KEPT = 16;
/** Older ones say nothing of now, in milliseconds. */
const FRESH_MS = 120_000;

/** How fast a queue is served: when its last groups were placed. */
export class ServiceRate {
  private readonly times: number[] = [];

  note(nowMs: number): void {
    this.times.push(nowMs);
    if (this.times.length > KEPT) this.times.shift();
  }

  /**
   * How long the group at this place (1 is next) has yet to wait at the pace of the last two minutes, in milliseconds.
   * Null where fewer than two were placed in that time. What it was may not be what it will be: it is an estimate.
   */
  waitMs(position: number, nowMs: number): number | null {
    const fresh = this.times.filter((at) => at > nowMs - FRESH_MS);
    const [first] = fresh;
    if (first === undefined || fresh.length < 2) return null;
    // Up to now, not to the last: a queue that stands still gets slower with each second.
    return Math.round((position * (nowMs - first)) / fresh.length);
  }
}
