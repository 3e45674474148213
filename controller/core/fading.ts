/** Things kept for questions about the past: each for the same time, and never more than so many. */
export class Fading<T> {
  private items: { readonly item: T; readonly untilMs: number }[] = [];
  private head = 0;

  constructor(
    private readonly keepMs: number,
    private readonly limit: number,
    private readonly drop: (item: T) => void,
  ) {}

  add(item: T, nowMs: number): void {
    this.items.push({ item, untilMs: nowMs + this.keepMs });
    if (this.size > this.limit) this.dropFirst();
  }

  get size(): number {
    return this.items.length - this.head;
  }

  expire(nowMs: number): void {
    for (let first = this.items[this.head]; first && first.untilMs <= nowMs; first = this.items[this.head])
      this.dropFirst();
  }

  private dropFirst(): void {
    const first = this.items[this.head++];
    if (this.head > 1024 && this.head * 2 > this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    if (first) this.drop(first.item);
  }
}
