import type { Clock } from "../../protocol/clock";

export interface LooksDeps<Watched> {
  readonly clock: Clock;
  /** Between the end of one look and the next, milliseconds. */
  readonly intervalMs: number;
  /** One look at all who are watched as it begins. Where it fails, the next one comes in its turn. */
  readonly look: (watched: readonly Watched[]) => Promise<void>;
}

/**
 * Looks again and again while anybody is watched: at once for the first, then after each interval. One look at a time: while
 * one does not end, whoever comes or goes, no other begins.
 */
export class Looks<Watched extends object> {
  readonly #watched = new Set<Watched>();
  #cancel: (() => void) | undefined;
  #looking = false;

  constructor(private readonly deps: LooksDeps<Watched>) {}

  /** @returns ends it */
  watch(watched: Watched): () => void {
    this.#watched.add(watched);
    this.#cancel ??= this.#later(0);
    return () => {
      this.#watched.delete(watched);
      if (this.#watched.size > 0) return;
      this.#cancel?.();
      this.#cancel = undefined;
    };
  }

  /** Whether it is watched still: a look takes its time. */
  has(watched: Watched): boolean {
    return this.#watched.has(watched);
  }

  #later(ms: number): () => void {
    return this.deps.clock.after(ms, () => void this.#look());
  }

  async #look(): Promise<void> {
    const mine = this.#cancel;
    if (!this.#looking) {
      this.#looking = true;
      await this.deps.look([...this.#watched]).catch(() => undefined);
      this.#looking = false;
    }
    // Where everyone left meanwhile, or left and came back, this look is not the one to go on.
    if (this.#cancel === mine && mine !== undefined) this.#cancel = this.#later(this.deps.intervalMs);
  }
}
