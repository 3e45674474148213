/**
 * What is to be looked at once more: each once, in the order in which it was marked. For few at a time. It is no Set because a Set makes a
 * new table each time it is cleared, which would be with each input: `controller/under-way.ts` says what that leads to.
 */
export class Marks<T> {
  private marked: T[] = [];

  get size(): number {
    return this.marked.length;
  }

  add(item: T): void {
    if (!this.marked.includes(item)) this.marked.push(item);
  }

  /** All of them; nothing is marked any more. */
  take(): T[] {
    const taken = this.marked;
    this.marked = [];
    return taken;
  }
}
