/** Numbers of one place are so far apart: as many can be under way at once. */
const PLACES = 2 ** 20;

/**
 * What is under way, by numbers of which none is given twice. It is no Map because of what is left of a Map through which
 * much passes. V8 makes it a new table whenever as many have come as the old one holds; the old one keeps what it held at that time, and
 * points to the new one. Once a full collection has moved one table to the old objects, no collection of young ones frees
 * the tables after it: whatever was under way when one of them was left is copied, moved to the old objects, and stays until
 * the next full collection.
 */
export class UnderWay<T extends object> {
  private readonly places: (T | undefined)[] = [];
  /** Of what is at each place, or was last. */
  private readonly numbers: number[] = [];
  private readonly free: number[] = [];

  get size(): number {
    return this.places.length - this.free.length;
  }

  /** @returns its number */
  add(value: T): number {
    const place = this.free.pop() ?? this.places.length;
    const last = this.numbers[place];
    const number = last === undefined ? place : last + PLACES;
    this.places[place] = value;
    this.numbers[place] = number;
    return number;
  }

  /** Ends it. Undefined where it has ended before, or never was. */
  take(number: number): T | undefined {
    const place = number % PLACES;
    const value = this.places[place];
    if (value === undefined || this.numbers[place] !== number) return undefined;
    this.places[place] = undefined;
    this.free.push(place);
    return value;
  }

  /** In no order. What comes or ends meanwhile may be among them or not. */
  *entries(): IterableIterator<readonly [number: number, value: T]> {
    for (const [place, value] of this.places.entries())
      if (value !== undefined) yield [this.numbers[place] ?? place, value];
  }
}
