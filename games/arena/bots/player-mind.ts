import { FIRST_ORB, type Point } from "../rules";
import type { State } from "../wire";

/** How far back scores are remembered: longer than any saved state is old. */
const MEMORY_MS = 60_000;

/** What one bot knows of the game: itself, the orbs, and its own score over the last minute. */
export class PlayerMind {
  private me = 0;
  private at: Point | undefined;
  private readonly orbs = new Map<number, Point>();
  private scores: { readonly atMs: number; readonly score: number }[] = [];
  private tick: number | undefined;
  private playedSinceMs: number | undefined;

  /** A connection begins: what was known of the arena is void, the score history stays. */
  begin(me: number, nowMs: number): void {
    this.me = me;
    this.at = undefined;
    this.orbs.clear();
    this.tick = undefined;
    this.playedSinceMs ??= nowMs;
  }

  /** The player's next game is a new one. */
  reset(): void {
    this.scores = [];
    this.playedSinceMs = undefined;
  }

  get score(): number {
    return this.scores.at(-1)?.score ?? 0;
  }

  playedForMs(nowMs: number): number {
    return this.playedSinceMs === undefined ? 0 : nowMs - this.playedSinceMs;
  }

  /** The score as it was seen at that time, 0 before the first. */
  scoreAt(atMs: number): number {
    for (let i = this.scores.length - 1; i >= 0; i--) {
      const entry = this.scores[i];
      if (entry !== undefined && entry.atMs <= atMs) return entry.score;
    }
    return 0;
  }

  remember(score: number, nowMs: number): void {
    if (this.scores.length > 0 && this.score === score) return;
    this.scores.push({ atMs: nowMs, score });
    while (this.scores.length > 2 && (this.scores[1]?.atMs ?? nowMs) < nowMs - MEMORY_MS) this.scores.shift();
  }

  /**
   * Takes a state in. `missed`: ticks that were left out since the last. `ok` is false where it is not for this bot:
   * out of order, a whole one without it in it, or one in which its score fell.
   */
  learn(state: State, nowMs: number): { readonly ok: boolean; readonly missed: number } {
    const missed = this.tick === undefined || state.full ? 0 : state.tick - this.tick - 1;
    let ok = missed >= 0;
    this.tick = state.tick;
    if (state.full) this.orbs.clear();
    for (const entity of state.gone) {
      if (entity === this.me) ok = false;
      this.orbs.delete(entity);
    }
    for (let i = 0; i < state.moved.length; i += 3) {
      const [entity = 0, x = 0, y = 0] = [state.moved[i], state.moved[i + 1], state.moved[i + 2]];
      if (entity === this.me) this.at = { x, y };
      else if (entity >= FIRST_ORB) this.orbs.set(entity, { x, y });
    }
    for (let i = 0; i < state.scores.length; i += 2) {
      if (state.scores[i] !== this.me) continue;
      const score = state.scores[i + 1] ?? 0;
      if (score < this.score) ok = false;
      this.remember(score, nowMs);
    }
    if (state.full && this.at === undefined) ok = false;
    return { ok, missed: Math.max(0, missed) };
  }

  /** Straight to the nearest orb, a little off now and then as people are. */
  steer(random: () => number): { dx: number; dy: number } {
    const { at } = this;
    if (at === undefined) return { dx: 0, dy: 0 };
    let best = Infinity;
    let to: Point | undefined;
    for (const orb of this.orbs.values()) {
      const distance = (orb.x - at.x) ** 2 + (orb.y - at.y) ** 2;
      if (distance < best) [best, to] = [distance, orb];
    }
    const angle =
      (to === undefined ? random() * 2 * Math.PI : Math.atan2(to.y - at.y, to.x - at.x)) + (random() - 0.5) * 0.4;
    return { dx: Math.round(Math.cos(angle) * 100) / 100, dy: Math.round(Math.sin(angle) * 100) / 100 };
  }
}
