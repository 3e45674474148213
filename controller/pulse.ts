import type { Clock } from "../protocol/clock";

const TICK_MS = 500;
/** A timer that fires so much too late says that this process was held up. */
const HELD_UP_MS = 1000;

/**
 * Beats each half second, and once more at the earliest moment that was asked for. Where the process was held up, what
 * others answered meanwhile waits unread: it is read first, or a beat would count as overdue what is there.
 */
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
    const dueMs = this.clock.now() + TICK_MS;
    this.cancelTick = this.clock.after(TICK_MS, () => {
      if (this.heldUpSince(dueMs)) this.cancelTick = this.clock.after(0, () => this.start());
      else this.start();
    });
  }

  /** @param atMs of the clock; a later one than what is asked for already changes nothing: that beat asks again */
  wakeAt(atMs: number): void {
    if (atMs >= this.wakeAtMs) return;
    this.cancelWake();
    this.wakeAtMs = atMs;
    this.cancelWake = this.clock.after(Math.max(0, atMs - this.clock.now()), () => {
      this.wakeAtMs = Infinity;
      // Else the next beat of the half seconds, which is late as well, stands for it.
      if (!this.heldUpSince(atMs)) this.beat();
    });
  }

  private heldUpSince(dueMs: number): boolean {
    return this.clock.now() - dueMs >= HELD_UP_MS;
  }

  stop(): void {
    this.cancelTick();
    this.cancelWake();
  }
}
