import type { Clock } from "../../protocol/clock";
import { UnderWay } from "../under-way";

const SWEEP_MS = 1000;

interface Deadline {
  readonly untilMs: number;
  readonly passed: () => void;
}

/**
 * Bounds how long calls may take, to the second. One timer for all, and only while something is under way: thousands
 * of calls a second end in time, and a timer each would be a good part of their cost.
 */
export class CallDeadlines {
  readonly #clock: Clock;
  readonly #deadlines = new UnderWay<Deadline>();
  #cancelSweep: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `passed` once after `ms`, unless the result is given to `drop` before. */
  add(ms: number, passed: () => void): number {
    this.#cancelSweep ??= this.#clock.after(SWEEP_MS, () => this.#sweep());
    return this.#deadlines.add({ untilMs: this.#clock.now() + ms, passed });
  }

  drop(deadline: number): void {
    this.#deadlines.take(deadline);
  }

  close(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
  }

  #sweep(): void {
    const nowMs = this.#clock.now();
    for (const [deadline, { untilMs, passed }] of this.#deadlines.entries()) {
      if (untilMs > nowMs) continue;
      this.#deadlines.take(deadline);
      passed();
    }
    this.#cancelSweep = this.#deadlines.size > 0 ? this.#clock.after(SWEEP_MS, () => this.#sweep()) : undefined;
  }
}
