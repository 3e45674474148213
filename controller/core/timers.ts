interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly fire: () => void;
}

/** What is to happen later, earliest first. A timer that no longer matters finds that out itself when it fires. */
export class Timers {
  private readonly heap: Timer[] = [];
  private order = 0;

  /** @param atMs Infinity: never, and nothing is kept of it */
  at(atMs: number, fire: () => void): void {
    if (atMs === Infinity) return;
    const timer = { atMs, order: this.order++, fire };
    const { heap } = this;
    let free = heap.length;
    for (; free > 0;) {
      const above = (free - 1) >> 1;
      const parent = heap[above] as Timer;
      if (!before(timer, parent)) break;
      heap[free] = parent;
      free = above;
    }
    heap[free] = timer;
  }

  /** When the earliest is due; Infinity where nothing waits. */
  next(): number {
    return this.heap[0]?.atMs ?? Infinity;
  }

  get size(): number {
    return this.heap.length;
  }

  /** Fires all that are due, in the order of their times; those that they set for now or earlier as well. */
  fireDue(nowMs: number): void {
    for (let first = this.heap[0]; first && first.atMs <= nowMs; first = this.heap[0]) {
      const last = this.heap.pop() as Timer;
      if (last !== first) this.sink(last);
      first.fire();
    }
  }

  clear(): void {
    this.heap.length = 0;
  }

  /** Puts a timer in from the top, whose place is free. */
  private sink(timer: Timer): void {
    const { heap } = this;
    const { length } = heap;
    let free = 0;
    for (;;) {
      let below = 2 * free + 1;
      if (below >= length) break;
      if (below + 1 < length && before(heap[below + 1] as Timer, heap[below] as Timer)) below++;
      const child = heap[below] as Timer;
      if (!before(child, timer)) break;
      heap[free] = child;
      free = below;
    }
    heap[free] = timer;
  }
}

function before(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
