import type { Series } from "./api/metric";

/** Counts by experience. */
export class Tally {
  readonly #counts = new Map<string, number>();

  add(experienceId: string): void {
    this.#counts.set(experienceId, (this.#counts.get(experienceId) ?? 0) + 1);
  }

  /** Those that nothing was counted of have a 0: a series that begins with 1 has never risen, for Prometheus. */
  series(experiences: readonly string[]): readonly Series[] {
    const all = new Set([...experiences, ...this.#counts.keys()]);
    return [...all].map((experience) => ({ labels: { experience }, value: this.#counts.get(experience) ?? 0 }));
  }
}
