import type { Clock } from "../../protocol/clock";
import { ProblemError } from "../problems";

const SWEEP_MS = 1000;

interface Waiting {
  readonly untilMs: number;
  readonly giveUp: () => void;
}

/**
 * Bounds how long anything may take, to the second. One timer for all, and only while something waits: thousands of
 * calls a second each end in time, and a timer each would be most of their cost.
 */
export class Patience {
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();
  #cancelSweep: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves as `promise` does; rejects with a `deadlineExceeded` problem where that takes longer. */
  within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const entry: Waiting = {
        untilMs: this.#clock.now() + ms,
        giveUp: () =>
          reject(new ProblemError("deadlineExceeded", `${what} had no answer within ${Math.round(ms / 1000)} s`)),
      };
      this.#waiting.add(entry);
      this.#cancelSweep ??= this.#clock.after(SWEEP_MS, () => this.#sweep());
      promise.then(
        (value) => {
          this.#waiting.delete(entry);
          resolve(value);
        },
        (error: unknown) => {
          this.#waiting.delete(entry);
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }

  close(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
  }

  #sweep(): void {
    const nowMs = this.#clock.now();
    for (const entry of this.#waiting) {
      if (entry.untilMs > nowMs) continue;
      this.#waiting.delete(entry);
      entry.giveUp();
    }
    this.#cancelSweep = this.#waiting.size > 0 ? this.#clock.after(SWEEP_MS, () => this.#sweep()) : undefined;
  }
}
