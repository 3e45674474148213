import type { Clock } from "../protocol/clock";

const TICK_MS = 500;

/** Beats each half second, and once more at the earliest moment that was asked for. */
export class Pulse {
  private cancelTick: () => void = () => undefined;
  private cancelWake: () => void = () => undefined;
  private wakeAtMs = Infinity;

  constructor(
    private readonly clock: Clock,
    private readonly beat: () => void,
  ) {}

  start(): void {
    this.beat();
    this.cancelTick = this.clock.after(TICK_MS, () => this.start());
  }

  /** @param atMs of the clock; a later one than what is asked for already changes nothing: that beat asks again */
  wakeAt(atMs: number): void {
    if (atMs >= this.wakeAtMs) return;
    this.cancelWake();
    this.wakeAtMs = atMs;
    this.cancelWake = this.clock.after(Math.max(0, atMs - this.clock.now()), () => {
      this.wakeAtMs = Infinity;
      this.beat();
    });
  }

  stop(): void {
    this.cancelTick();
    this.cancelWake();
  }
}
