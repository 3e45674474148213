import type { Timing } from "../src/timing";

/** Time for tests: every sleep is over at once, and the clock has moved on by it. */
export class ManualTiming implements Timing {
  readonly slept: number[] = [];

  constructor(
    private nowMs = 1_700_000_000_000,
    private readonly chance = 0.5,
  ) {}

  now(): number {
    return this.nowMs;
  }

  random(): number {
    return this.chance;
  }

  advance(ms: number): void {
    this.nowMs += ms;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) throw signal.reason;
    this.slept.push(ms);
    this.nowMs += ms;
    // Others get their turn, so that a loop of sleeps does not starve them.
    await new Promise((resolve) => setImmediate(resolve));
    if (signal?.aborted) throw signal.reason;
  }
}
