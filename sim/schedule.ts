import type { Process } from "./process";

/** Something that will happen in the virtual world. */
export interface Occurrence {
  atMs: number;
  order: number;
  /** Where it happens: nothing happens in a process that has ended, and in one that stands still it happens later. */
  readonly owner: Process | undefined;
  readonly run: () => void;
  /** Called instead where its process has ended. */
  readonly dropped: (() => void) | undefined;
  cancelled: boolean;
}

/** Everything that is going to happen, in the order of its time; what is due at the same moment, in the order it was made. */
export class Schedule {
  /** The world's own time, in milliseconds since 1970; processes have clocks of their own. */
  nowMs = 1_700_000_000_000;
  private readonly heap: Occurrence[] = [];
  private orders = 0;

  after(ms: number, owner: Process | undefined, run: () => void, dropped?: () => void): Occurrence {
    const atMs = this.nowMs + Math.max(0, ms);
    const occurrence: Occurrence = { atMs, order: this.orders++, owner, run, dropped, cancelled: false };
    this.push(occurrence);
    return occurrence;
  }

  /** Moves on to the next thing that happens and gives it back, not later than `untilMs`. */
  next(untilMs: number): Occurrence | undefined {
    for (;;) {
      const first = this.heap[0];
      if (!first || first.atMs > untilMs) return undefined;
      this.pop();
      if (first.cancelled) continue;
      const { owner } = first;
      if (owner && !owner.alive) {
        first.dropped?.();
        continue;
      }
      if (owner && owner.stalledUntilMs > first.atMs) {
        // Taken out in order and put back in order, so what waits for a stopped process keeps its order.
        first.atMs = owner.stalledUntilMs;
        first.order = this.orders++;
        this.push(first);
        continue;
      }
      this.nowMs = Math.max(this.nowMs, first.atMs);
      return first;
    }
  }

  get size(): number {
    return this.heap.length;
  }

  private push(occurrence: Occurrence): void {
    const { heap } = this;
    let at = heap.push(occurrence) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above] as Occurrence;
      if (!before(occurrence, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = occurrence;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && before(heap[below + 1] as Occurrence, heap[below] as Occurrence)) below += 1;
      if (!before(heap[below] as Occurrence, last)) break;
      heap[at] = heap[below] as Occurrence;
      at = below;
    }
    heap[at] = last;
  }
}

function before(a: Occurrence, b: Occurrence): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
