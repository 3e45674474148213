/** The origins of `[api]`, such as `https://game.example`, as forge.toml has them now. */
export class Origins {
  #now: ReadonlySet<string>;

  constructor(origins: readonly string[] = []) {
    this.#now = new Set(origins);
  }

  set(origins: readonly string[]): void {
    this.#now = new Set(origins);
  }

  has(origin: string): boolean {
    return this.#now.has(origin.toLowerCase());
  }

  get none(): boolean {
    return this.#now.size === 0;
  }
}
