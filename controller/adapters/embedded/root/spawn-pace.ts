import type { Clock } from "../../../../protocol/clock";

/**
 * Bounds how many processes start a second, so that a crash loop somewhere cannot take the machine. A burst of
 * `perSecond` goes at once; after it each waits its turn, first come first served.
 */
export class SpawnPace {
  private readonly waiting: (() => void)[] = [];
  private tokens: number;
  private filledAtMs: number;
  private timer: (() => void) | undefined;

  constructor(
    private readonly perSecond: number,
    private readonly clock: Clock,
  ) {
    this.tokens = perSecond;
    this.filledAtMs = clock.now();
  }

  /** Resolves when one more process may be started. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      this.serve();
    });
  }

  private serve(): void {
    this.fill();
    while (this.tokens >= 1 && this.waiting.length > 0) {
      this.tokens -= 1;
      this.waiting.shift()?.();
    }
    if (this.waiting.length === 0 || this.timer !== undefined) return;
    this.timer = this.clock.after(Math.ceil(((1 - this.tokens) * 1000) / this.perSecond), () => {
      this.timer = undefined;
      this.serve();
    });
  }

  private fill(): void {
    const now = this.clock.now();
    // A clock that was set back must not take tokens away.
    const passedMs = Math.max(0, now - this.filledAtMs);
    this.tokens = Math.min(this.perSecond, this.tokens + (passedMs * this.perSecond) / 1000);
    this.filledAtMs = now;
  }
}
