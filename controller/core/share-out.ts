export type ShiftSource = "forge" | "agones";

/**
 * Who takes the next new session, so that of any number of sessions in a row Forge's share is exact to less than one: the
 * line of Bresenham, session n being Forge's where floor((n+1)·p/100) passes floor(n·p/100). Of every 100 in a row exactly
 * p are Forge's, spread evenly. Without randomness: the same counter gives the same answer.
 */
export class ShareOut {
  private counted: number;

  /**
   * @param percent Forge's share, a whole number of 0 to 100
   * @param counted how many sessions were shared out before
   */
  constructor(
    readonly percent: number,
    counted = 0,
  ) {
    this.counted = counted;
  }

  get count(): number {
    return this.counted;
  }

  next(): ShiftSource {
    const before = Math.floor((this.counted * this.percent) / 100);
    this.counted += 1;
    return Math.floor((this.counted * this.percent) / 100) > before ? "forge" : "agones";
  }
}
