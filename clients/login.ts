import type { Clock } from "../protocol/clock";

/** What a login gave. */
export interface GrantedToken {
  readonly token: string;
  /** Seconds; undefined where it does not end by itself. */
  readonly lifeSecs: number | undefined;
}

export interface LoginDeps {
  /** Trades the identity for a token. */
  readonly login: () => Promise<GrantedToken>;
  /** Makes a token's life longer where that can be done. */
  readonly renew?: (token: string) => Promise<GrantedToken>;
  readonly clock: Clock;
  /** 0 to 1, for jitter. */
  readonly random: () => number;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** A token is renewed once this share of its life is over. */
const RENEW_AT = 2 / 3;

/**
 * A token that is there when it is needed: got at the first call, renewed or got anew before it ends, got anew when it was
 * refused. Calls at the same time share one login; after a failed one the next waits, ever longer, and callers are told why.
 */
export class Login {
  private held: (GrantedToken & { readonly sinceMs: number }) | undefined;
  private underWay: Promise<string> | undefined;
  private failures = 0;
  private notBeforeMs = -Infinity;
  private problem: Error | undefined;
  /** Counts tokens: what was registered with an earlier one is to be registered again. */
  generation = 0;

  constructor(private readonly deps: LoginDeps) {}

  /** @throws {Error} why there is none */
  async token(): Promise<string> {
    const nowMs = this.deps.clock.now();
    const { held } = this;
    if (held && nowMs < held.sinceMs + lifeMs(held) * RENEW_AT) return held.token;
    const usable = held && nowMs < held.sinceMs + lifeMs(held);
    if (this.underWay) return usable ? held.token : this.underWay;
    if (nowMs < this.notBeforeMs) {
      if (usable) return held.token;
      throw this.problem ?? new Error("not logged in");
    }
    this.underWay = this.fetch(held?.token).finally(() => (this.underWay = undefined));
    if (!usable) return this.underWay;
    this.underWay.catch(() => undefined);
    return held.token;
  }

  /** This token was not taken: the next call gets another. */
  refused(token: string): void {
    if (this.held?.token === token) this.held = undefined;
  }

  private async fetch(before: string | undefined): Promise<string> {
    try {
      const granted = (await this.renewed(before)) ?? (await this.deps.login());
      if (granted.token !== before) this.generation += 1;
      this.held = { ...granted, sinceMs: this.deps.clock.now() };
      this.failures = 0;
      this.problem = undefined;
      return granted.token;
    } catch (error) {
      const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.failures, 10));
      this.failures += 1;
      this.notBeforeMs = this.deps.clock.now() + longest * (0.5 + this.deps.random() / 2);
      this.problem = error as Error;
      throw error;
    }
  }

  private async renewed(token: string | undefined): Promise<GrantedToken | undefined> {
    if (token === undefined || !this.deps.renew) return undefined;
    return this.deps.renew(token).catch(() => undefined);
  }
}

function lifeMs({ lifeSecs }: GrantedToken): number {
  return lifeSecs === undefined ? Infinity : lifeSecs * 1000;
}
