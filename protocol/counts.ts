/**
 * What a server counts beside its seats: Agones' counters, lists and tracked players. The agent owns them as it owns
 * seats. Sources of names and bounds: Agones' CRDs (`counters`, `lists`, `players` of a GameServer).
 */

/** `count` within 0 and `capacity`. */
export interface Counter {
  readonly count: number;
  readonly capacity: number;
}

/** No value twice, at most `capacity` of them, which is at most 1000 (`config/count-limits.ts`). */
export interface CountedList {
  readonly capacity: number;
  readonly values: readonly string[];
}

/** By name. */
export interface Counts {
  readonly counters: Readonly<Record<string, Counter>>;
  readonly lists: Readonly<Record<string, CountedList>>;
  /** Players that the server itself tracks (Agones' alpha calls); values are player ids. Undefined: it tracks none. */
  readonly tracked: CountedList | undefined;
}
