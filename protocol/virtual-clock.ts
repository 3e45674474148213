import type { Clock } from "./clock";

/** A clock that stands until told to move: for tests and simulations. */
export class VirtualClock implements Clock {
  private waiting: { readonly atMs: number; readonly order: number; readonly run: () => void }[] = [];
  private orders = 0;

  constructor(private nowMs = 1_700_000_000_000) {}

  now(): number {
    return this.nowMs;
  }

  after(ms: number, run: () => void): () => void {
    const entry = { atMs: this.nowMs + ms, order: this.orders++, run };
    this.waiting.push(entry);
    return () => {
      this.waiting = this.waiting.filter((other) => other !== entry);
    };
  }

  /** Moves on by `ms`, stopping at each thing that is due, in order. */
  advance(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (let next = this.nextBy(untilMs); next; next = this.nextBy(untilMs)) {
      this.waiting.splice(this.waiting.indexOf(next), 1);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.run();
    }
    this.nowMs = untilMs;
  }

  /** Stands still for `ms` as a stopped process does: what was due meanwhile runs late, once, at the end. */
  stall(ms: number): void {
    this.nowMs += ms;
    this.advance(0);
  }

  private nextBy(untilMs: number): (typeof this.waiting)[number] | undefined {
    return this.waiting
      .filter((entry) => entry.atMs <= untilMs)
      .sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
  }
}
