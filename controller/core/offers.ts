import type { GameServer } from "./game-server";
import type { Shelf } from "./shelf";

/** So many shelves are remembered, and so many servers are looked at of the best, the second and so on. */
const LOOKS = [3, 2, 1, 1, 1];

/** The most promising shelves of servers for a group, best first; kept in place, as each seat asks for it. */
export class Offers {
  private readonly shelves: (Shelf | undefined)[] = LOOKS.map(() => undefined);
  private readonly scores = new Float64Array(LOOKS.length);
  private count = 0;

  clear(): void {
    this.count = 0;
  }

  add(shelf: Shelf, score: number): void {
    let at = this.count;
    if (at === LOOKS.length) {
      if (score <= (this.scores[at - 1] ?? 0)) return;
      at--;
    } else this.count++;
    for (; at > 0 && (this.scores[at - 1] ?? 0) < score; at--) {
      this.scores[at] = this.scores[at - 1] ?? 0;
      this.shelves[at] = this.shelves[at - 1];
    }
    this.scores[at] = score;
    this.shelves[at] = shelf;
  }

  /** Up to `most` servers into `into`: some of each shelf, more of the better ones. */
  take(most: number, into: GameServer[]): void {
    let left = most - into.length;
    // What the shelves after it will surely fill is not taken by one before.
    let after = this.count;
    for (let i = 0; i < this.count && left > 0; i++) {
      const shelf = this.shelves[i];
      after--;
      if (!shelf) continue;
      const share = after === 0 ? left : Math.max(1, Math.min(left - after, LOOKS[i] ?? 1));
      const before = into.length;
      shelf.take(this.count < LOOKS.length ? Math.max(share, left - after) : share, into);
      left -= into.length - before;
    }
  }
}
