/** What is to happen later, earliest first. A timer that no longer matters finds that out itself when it fires. */
export class Timers {
  private readonly heap: { readonly atMs: number; readonly order: number; readonly fire: () => void }[] = [];
  private order = 0;

  at(atMs: number, fire: () => void): void {
    this.heap.push({ atMs, order: this.order++, fire });
    this.up(this.heap.length - 1);
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
      const last = this.heap.pop();
      if (last && last !== first) {
        this.heap[0] = last;
        this.down(0);
      }
      first.fire();
    }
  }

  clear(): void {
    this.heap.length = 0;
  }

  private before(a: number, b: number): boolean {
    const x = this.heap[a];
    const y = this.heap[b];
    if (!x || !y) return false;
    return x.atMs < y.atMs || (x.atMs === y.atMs && x.order < y.order);
  }

  private swap(a: number, b: number): void {
    const x = this.heap[a];
    const y = this.heap[b];
    if (!x || !y) return;
    this.heap[a] = y;
    this.heap[b] = x;
  }

  private up(index: number): void {
    for (let child = index; child > 0;) {
      const parent = (child - 1) >> 1;
      if (!this.before(child, parent)) return;
      this.swap(child, parent);
      child = parent;
    }
  }

  private down(index: number): void {
    for (let parent = index; ;) {
      const left = 2 * parent + 1;
      const right = left + 1;
      let least = parent;
      if (this.before(left, least)) least = left;
      if (this.before(right, least)) least = right;
      if (least === parent) return;
      this.swap(parent, least);
      parent = least;
    }
  }
}
