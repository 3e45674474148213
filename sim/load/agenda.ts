/** A power of two: what is due later than so many milliseconds from now is passed by once for each such time. */
const SLOTS = 2 ** 20;
const NONE = -1;
const FIRST_ROOM = 1024;

type Run = (who: number, what: never) => void;

/**
 * What is going to happen to very many, by the millisecond: a calendar of linked lists in typed arrays. An entry costs 12
 * bytes and two references, adding one and taking the next the same for any number. What is due in the same millisecond happens in the order
 * in which it was added.
 */
export class Agenda {
  /** Milliseconds since the beginning; whole, and less than 2^31. */
  nowMs = 0;
  /** Entries that have not happened yet. */
  size = 0;
  private readonly first = new Int32Array(SLOTS).fill(NONE);
  private readonly last = new Int32Array(SLOTS).fill(NONE);
  private due = new Int32Array(FIRST_ROOM);
  private following = new Int32Array(FIRST_ROOM);
  private who = new Int32Array(FIRST_ROOM);
  private readonly run: (Run | undefined)[] = [];
  private readonly what: unknown[] = [];
  private room = 0;
  private free = NONE;
  /** The entry of the current slot that was passed by last. */
  private passed = NONE;

  /**
   * `run(who, what)` after so many milliseconds, rounded up; 0 is still this millisecond.
   * @param run one function for many entries: it is not to be made for each
   */
  after<What>(ms: number, run: (who: number, what: What) => void, who: number, what: What): void {
    const dueMs = this.nowMs + Math.max(0, Math.ceil(ms));
    const entry = this.newEntry();
    const slot = dueMs & (SLOTS - 1);
    this.due[entry] = dueMs;
    this.following[entry] = NONE;
    this.who[entry] = who;
    this.run[entry] = run;
    this.what[entry] = what;
    const last = this.last[slot] ?? NONE;
    if (last === NONE) this.first[slot] = entry;
    else this.following[last] = entry;
    this.last[slot] = entry;
    this.size++;
  }

  /** Moves on to the next entry and runs it; false where there is none. */
  next(): boolean {
    while (this.size > 0) {
      const entry = this.dueNow();
      if (entry !== NONE) {
        const [run, who, what] = [this.run[entry], this.who[entry] ?? 0, this.what[entry]];
        this.release(entry);
        run?.(who, what as never);
        return true;
      }
      do this.nowMs++;
      while (this.first[this.nowMs & (SLOTS - 1)] === NONE);
      this.passed = NONE;
    }
    return false;
  }

  /** Takes the next entry of this millisecond out of its slot. */
  private dueNow(): number {
    const slot = this.nowMs & (SLOTS - 1);
    let entry = (this.passed === NONE ? this.first[slot] : this.following[this.passed]) ?? NONE;
    while (entry !== NONE && this.due[entry] !== this.nowMs) {
      this.passed = entry;
      entry = this.following[entry] ?? NONE;
    }
    if (entry === NONE) return NONE;
    const after = this.following[entry] ?? NONE;
    if (this.passed === NONE) this.first[slot] = after;
    else this.following[this.passed] = after;
    if (after === NONE) this.last[slot] = this.passed;
    return entry;
  }

  private newEntry(): number {
    const { free } = this;
    if (free !== NONE) {
      this.free = this.following[free] ?? NONE;
      return free;
    }
    if (this.room === this.due.length) {
      const grown = (from: Int32Array): Int32Array<ArrayBuffer> => {
        const to = new Int32Array(2 * from.length);
        to.set(from);
        return to;
      };
      [this.due, this.following, this.who] = [grown(this.due), grown(this.following), grown(this.who)];
    }
    return this.room++;
  }

  private release(entry: number): void {
    this.run[entry] = this.what[entry] = undefined;
    this.following[entry] = this.free;
    this.free = entry;
    this.size--;
  }
}
