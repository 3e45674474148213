import type { Series } from "./metric";

/** How long something took, counted as a histogram of Prometheus'. */
export class TimeBuckets {
  /** Of each bucket alone, and of what took longer than the last. */
  readonly #counts: number[];
  #seconds = 0;

  /** @param bounds upper ends of the buckets in seconds, ascending */
  constructor(private readonly bounds: readonly number[]) {
    this.#counts = [...bounds.map(() => 0), 0];
  }

  add(seconds: number): void {
    let bucket = 0;
    while (seconds > (this.bounds[bucket] ?? Infinity)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#seconds += seconds;
  }

  series(labels: Series["labels"]): Series[] {
    let sum = 0;
    const buckets = this.#counts.map((count, n): Series => {
      sum += count;
      return { part: "_bucket", labels: { le: String(this.bounds[n] ?? "+Inf"), ...labels }, value: sum };
    });
    return [...buckets, { part: "_sum", labels, value: this.#seconds }, { part: "_count", labels, value: sum }];
  }
}
