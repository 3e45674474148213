/** A promise of Forge's that was found broken; `promise` is its number in docs/chaos.md. */
export interface Broken {
  readonly promise: string;
  readonly check: string;
  readonly evidence: string;
  /** Since the beginning of the faults. */
  readonly atMs: number;
}

const MOST = 100;

/** What was found broken, each thing once. */
export class Promises {
  readonly broken: Broken[] = [];
  private readonly told = new Set<string>();

  constructor(
    private readonly now: () => number,
    private readonly onBroken: (broken: Broken) => void,
  ) {}

  break(promise: string, check: string, evidence: string): void {
    const key = `${promise} ${check} ${evidence}`;
    if (this.told.has(key) || this.broken.length >= MOST) return;
    this.told.add(key);
    const broken = { promise, check, evidence, atMs: Math.round(this.now()) };
    this.broken.push(broken);
    this.onBroken(broken);
  }
}

/** Calls `broken` once something has been so for longer than allowed, without a break. */
export class Lasting {
  private since = new Map<string, number>();

  constructor(private readonly allowedMs: number) {}

  /** @param now what is so now, by a key each */
  look(now: ReadonlyMap<string, string>, nowMs: number, broken: (evidence: string) => void): void {
    const next = new Map<string, number>();
    for (const [key, evidence] of now) {
      const since = this.since.get(key) ?? nowMs;
      next.set(key, since);
      if (nowMs - since > this.allowedMs) broken(`${evidence}, for ${String(Math.round((nowMs - since) / 1000))} s`);
    }
    this.since = next;
  }
}
