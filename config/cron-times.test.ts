import { Cron } from "croner";
import fc from "fast-check";
import { CronTimes } from "./cron-times";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const at = (iso: string): number => Date.parse(iso);

/** Zones, and a time before their clocks change: forward, back; by half an hour, and at midnight, too. */
const CHANGES = [
  "Europe/Berlin 2026-03-28T12:00Z",
  "Europe/Berlin 2026-10-24T12:00Z",
  "America/New_York 2026-03-07T12:00Z",
  "America/New_York 2026-10-31T12:00Z",
  "Australia/Lord_Howe 2026-10-03T00:00Z",
  "Australia/Lord_Howe 2026-04-04T00:00Z",
  "Africa/Cairo 2026-04-23T12:00Z",
  "Africa/Cairo 2026-10-29T12:00Z",
  "Asia/Kolkata 2026-10-24T12:00Z",
];

interface Shown {
  readonly ms: number;
  /** What the zone's clock shows, as if it were UTC. */
  readonly wallMs: number;
}

interface Days {
  readonly timezone: string;
  readonly shown: readonly Shown[];
  readonly firstMs: number;
  readonly lastMs: number;
}

/** A clock of the zone that is looked at every minute of two days. */
function daysOf(change: string): Days {
  const [timezone = "", from = ""] = change.split(" ");
  const clock = new Intl.DateTimeFormat("sv-SE", { timeZone: timezone, dateStyle: "short", timeStyle: "short" });
  const shown = Array.from({ length: (2 * DAY_MS) / MINUTE_MS }, (_, i) => {
    const ms = at(from) + i * MINUTE_MS;
    return { ms, wallMs: at(`${clock.format(ms).replace(" ", "T")}Z`) };
  });
  return { timezone, shown, firstMs: at(from), lastMs: at(from) + 2 * DAY_MS - MINUTE_MS };
}

const daysBy = new Map(CHANGES.map((change) => [change, daysOf(change)]));
const daysAt = (change: string): Days => daysBy.get(change) ?? daysOf(change);

/** A field of an expression, and which numbers it means. */
interface Field {
  readonly text: string;
  readonly has: (value: number) => boolean;
}

const field = (least: number, most: number, usual: readonly number[]): fc.Arbitrary<Field> => {
  const value = fc.oneof(fc.constantFrom(...usual), fc.integer({ min: least, max: most }));
  const step = fc.integer({ min: 2, max: Math.min(20, most) });
  const anything = fc.constant<Field>({ text: "*", has: () => true });
  const one = value.map((only): Field => ({ text: String(only), has: (v) => v === only }));
  const stepped = step.map((by): Field => ({ text: `*/${String(by)}`, has: (v) => (v - least) % by === 0 }));
  const ranged = fc.tuple(value, value).map((two): Field => {
    const [from, to] = [Math.min(...two), Math.max(...two)];
    return { text: `${String(from)}-${String(to)}`, has: (v) => v >= from && v <= to };
  });
  const listed = fc.tuple(value, value).map((two): Field => ({ text: two.join(), has: (v) => two.includes(v) }));
  return fc.oneof(one, one, one, anything, stepped, ranged, listed);
};

const fields = fc.record({
  minute: field(0, 59, [0, 30]),
  hour: field(0, 23, [0, 1, 2, 3]),
  weekday: fc.oneof(fc.constant<Field>({ text: "*", has: () => true }), field(0, 6, [0, 6])),
});
type Fields = Readonly<Record<"minute" | "hour" | "weekday", Field>>;

const timesOf = ({ minute, hour, weekday }: Fields, { timezone }: Days): CronTimes =>
  new CronTimes(`${minute.text} ${hour.text} * * ${weekday.text}`, timezone);

/** Vixie cron's rule, minute by minute. Source: `cron.c` of cron 4.1, "wildjobs" and "fixed jobs". */
function naive({ minute, hour, weekday }: Fields, { shown }: Days): readonly number[] {
  const isTime = (wallMs: number): boolean => {
    const wall = new Date(wallMs);
    return minute.has(wall.getUTCMinutes()) && hour.has(wall.getUTCHours()) && weekday.has(wall.getUTCDay());
  };
  const isWild = /[*/]/.test(minute.text + hour.text);
  const found: number[] = [];
  let doneMs = (shown[0]?.wallMs ?? 0) - MINUTE_MS;
  for (const { ms, wallMs } of shown) {
    let isDue = isWild && isTime(wallMs);
    for (; doneMs < wallMs; doneMs += MINUTE_MS) isDue ||= !isWild && isTime(doneMs + MINUTE_MS);
    if (isDue) found.push(ms);
  }
  return found;
}

it("has Vixie cron's times where clocks are changed", () => {
  fc.assert(
    fc.property(fc.constantFrom(...CHANGES), fields, (change, expression) => {
      const days = daysAt(change);
      const times = timesOf(expression, days);
      const found: number[] = [];
      for (let ms = days.firstMs - 1; (ms = times.around(ms).nextMs) <= days.lastMs;) found.push(ms);
      expect(found).toEqual(naive(expression, days));
    }),
    { numRuns: 40 },
  );
});

it("has those on both sides of any moment, also within the hour that is repeated", () => {
  fc.assert(
    fc.property(fc.constantFrom(...CHANGES), fields, fc.nat(2 * DAY_MS - 1), (change, expression, after) => {
      const days = daysAt(change);
      const nowMs = days.firstMs + after;
      const { lastMs, nextMs } = timesOf(expression, days).around(nowMs);
      const all = naive(expression, days);
      expect(nextMs > days.lastMs ? undefined : nextMs).toBe(all.find((ms) => ms > nowMs));
      expect(lastMs < days.firstMs ? undefined : lastMs).toBe(all.findLast((ms) => ms <= nowMs));
    }),
    { numRuns: 200 },
  );
});

it("asks croner once for all moments between two times", () => {
  const asked = [jest.spyOn(Cron.prototype, "nextRun"), jest.spyOn(Cron.prototype, "previousRuns")];
  const times = new CronTimes("0 18 * * *", "Europe/Berlin");
  const [from, to] = [at("2026-10-24T16:00:00Z"), at("2026-10-25T17:00:00Z")];
  for (let ms = from; ms < to; ms += 60 * MINUTE_MS) expect(times.around(ms)).toEqual({ lastMs: from, nextMs: to });
  expect(asked.map(({ mock }) => mock.calls.length)).toEqual([1, 1]);
  expect(times.around(to).lastMs).toBe(to);
  expect(times.around(from)).toEqual({ lastMs: from, nextMs: to });
  for (const spy of asked) spy.mockRestore();
});

it.each<[string, boolean]>([
  ["0 0 30 2 *", false],
  ["0 0 31 2,4,6,9,11 *", false],
  ["0 0 29 2 *", true],
  ["0 0 30 2 1", true],
  [" 0 0 1 1 * ", true],
  ["59 23 31 12 *", true],
  ...["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"].map((day): [string, boolean] => [`0 0 29 2 +${day}`, true]),
  ["0 0 15 * +MON#1", false],
])("%s comes: %s", (expression, comes) => {
  expect(new CronTimes(expression).comes).toBe(comes);
});

it.each([["* * * *"], ["0 0 * * * *"], ["@daily"], ["61 * * * *"], ["2026-10-25T02:00:00"]])("refuses %s", (text) => {
  expect(() => new CronTimes(text)).toThrow();
});
