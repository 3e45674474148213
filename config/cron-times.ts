import { Cron } from "croner";

/**
 * Which expressions are fixed is Vixie cron's rule; see CronTimes. A step may begin anywhere, `5/15`, as in Agones' schedules.
 * Without a callback croner sets no timer, and all times are told from a given one on.
 */
const RULES = { fixedTimeRule: "no-wildcard", sloppyRanges: true, paused: true } as const;

/** In 28 years each day of a year is each day of the week; to look further for what never comes costs half a second. */
const ALL_DAYS = { years: "2000-2027", beforeMs: Date.UTC(2000, 0, 1) - 1 };

/** The times on both sides of a moment; infinite where there is none. */
export interface TimesAround {
  /** At the moment, or before it. */
  readonly lastMs: number;
  readonly nextMs: number;
}

/**
 * The times of a cron expression by a time zone's clock, as Vixie cron has them. Where the clock is changed, an expression with
 * a wildcard or step in minute or hour comes whenever the clock shows one of its times, so not in an hour that is left out and
 * twice in one that is repeated. Any other comes once: at the change if its time is left out, the first time if it is repeated.
 */
export class CronTimes {
  private readonly cron: Cron;
  private kept: TimesAround = { lastMs: Infinity, nextMs: -Infinity };

  /** Throws where it is no cron expression of five fields, or no time zone. */
  constructor(
    private readonly expression: string,
    timezone = "UTC",
  ) {
    if (expression.trim().split(/\s+/).length !== 5) throw new TypeError(`${expression} does not have five fields`);
    this.cron = new Cron(expression, { ...RULES, timezone });
  }

  /** Whether there is any such time: not on 30 February. */
  get comes(): boolean {
    const cron = new Cron(`0 ${this.expression.trim()} ${ALL_DAYS.years}`, { ...RULES, timezone: "UTC" });
    return cron.nextRun(new Date(ALL_DAYS.beforeMs)) !== null;
  }

  /** Costs next to nothing while it is asked about a time between the same two. */
  around(nowMs: number): TimesAround {
    if (nowMs < this.kept.lastMs || nowMs >= this.kept.nextMs) {
      // What croner takes as before and after leaves the moment itself out.
      const [last] = this.cron.previousRuns(1, new Date(nowMs + 1));
      this.kept = { lastMs: last?.getTime() ?? -Infinity, nextMs: this.next(nowMs) };
    }
    return this.kept;
  }

  private next(afterMs: number): number {
    return this.cron.nextRun(new Date(afterMs))?.getTime() ?? Infinity;
  }
}
