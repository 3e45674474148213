import { Cron } from "croner";
import fc from "fast-check";
import type { ScheduleWindow } from "../../config/scaling-chain";
import { windowState } from "./schedule-window";

const at = (iso: string): number => Date.parse(iso);
const evening = { activePeriod: { timezone: "Europe/Berlin", startCron: "0 18 * * *", durationSecs: 6 * 3600 } };

it.each<[string, ScheduleWindow | undefined, string, boolean, string | undefined]>([
  ["no schedule", undefined, "2026-06-01T00:00:00Z", true, undefined],
  ["before its hour", evening, "2026-06-01T15:59:59Z", false, "2026-06-01T16:00:00Z"],
  ["from its hour on, summer time", evening, "2026-06-01T16:00:00Z", true, "2026-06-01T22:00:00Z"],
  ["from its hour on, winter time", evening, "2026-12-01T17:00:00Z", true, "2026-12-01T23:00:00Z"],
  ["to its end", evening, "2026-06-01T22:00:00Z", false, "2026-06-02T16:00:00Z"],
  ["on the day the clock goes forward", evening, "2026-03-29T16:00:00Z", true, "2026-03-29T22:00:00Z"],
  ["on the day it goes back", evening, "2026-10-25T16:59:00Z", false, "2026-10-25T17:00:00Z"],
  [
    "before between.start",
    { ...evening, between: { start: "2026-06-03T00:00:00Z" } },
    "2026-06-01T17:00:00Z",
    false,
    "2026-06-03T00:00:00Z",
  ],
  [
    "until between.end, in the middle of a period",
    { ...evening, between: { end: "2026-06-01T18:00:00Z" } },
    "2026-06-01T17:00:00Z",
    true,
    "2026-06-01T18:00:00Z",
  ],
  ["after between.end", { between: { end: "2026-06-01T18:00:00Z" } }, "2026-06-01T18:00:00Z", false, undefined],
  [
    "without a duration, from its first start on",
    { between: { start: "2026-06-01T00:00:00Z" }, activePeriod: { startCron: "0 12 * * 5" } },
    "2026-06-05T12:00:00Z",
    true,
    undefined,
  ],
  [
    "and not before",
    { between: { start: "2026-06-01T00:00:00Z" }, activePeriod: { startCron: "0 12 * * 5" } },
    "2026-06-05T11:59:59Z",
    false,
    "2026-06-05T12:00:00Z",
  ],
  [
    "periods that overlap go on",
    { activePeriod: { startCron: "0 * * * *", durationSecs: 5400 } },
    "2026-06-01T10:20:00Z",
    true,
    "2026-06-01T11:30:00Z",
  ],
])("%s", (_, schedule, now, active, changes) => {
  expect(windowState(schedule, at(now))).toEqual({
    active,
    changesAtMs: changes === undefined ? Infinity : at(changes),
  });
});

/** When it applies, looked at every minute: from the first minute in which it does to the first in which it does not. */
function applies(schedule: ScheduleWindow, fromMs: number, minutes: number): string {
  const seen: string[] = [];
  let before = false;
  for (let ms = fromMs; ms <= fromMs + minutes * 60_000; ms += 60_000) {
    const { active, changesAtMs } = windowState(schedule, ms);
    if (changesAtMs <= ms) seen.push(`looked at again at once`);
    if (active !== before) seen.push(`${active ? "from" : "to"} ${new Date(ms).toISOString().slice(11, 16)}`);
    before = active;
  }
  return seen.join(" ");
}

const [SPRING_BERLIN, AUTUMN_BERLIN] = ["2026-03-28T20:00:00Z", "2026-10-24T20:00:00Z"];
const [SPRING_NEW_YORK, AUTUMN_NEW_YORK] = ["2026-03-08T03:00:00Z", "2026-11-01T03:00:00Z"];
// The clock goes from 02:00 to 03:00 in spring, at 01:00Z and 07:00Z; in autumn back to 02:00 at 01:00Z, and to 01:00 at 06:00Z.
it.each([
  ["Europe/Berlin", SPRING_BERLIN, "30 1 * * *", 1, "from 00:30 to 01:30"],
  ["Europe/Berlin", SPRING_BERLIN, "0 2 * * *", 1, "from 01:00 to 02:00"],
  ["Europe/Berlin", SPRING_BERLIN, "30 2 * * *", 1, "from 01:00 to 02:00"],
  ["Europe/Berlin", SPRING_BERLIN, "30 2 * * *", 6, "from 01:00 to 07:00"],
  ["Europe/Berlin", SPRING_BERLIN, "0 3 * * *", 1, "from 01:00 to 02:00"],
  [
    "Europe/Berlin",
    SPRING_BERLIN,
    "30 */3 * * *",
    0.5,
    "from 20:30 to 21:00 from 23:30 to 00:00 from 01:30 to 02:00 from 04:30 to 05:00 from 07:30 to 08:00",
  ],
  ["Europe/Berlin", SPRING_BERLIN, "0 * * * *", 1, "from 20:00"],
  ["Europe/Berlin", AUTUMN_BERLIN, "0 2 * * *", 1, "from 00:00 to 01:00"],
  ["Europe/Berlin", AUTUMN_BERLIN, "30 2 * * *", 1, "from 00:30 to 01:30"],
  ["Europe/Berlin", AUTUMN_BERLIN, "30 2 * * *", 6, "from 00:30 to 06:30"],
  ["Europe/Berlin", AUTUMN_BERLIN, "0 3 * * *", 1, "from 02:00 to 03:00"],
  ["Europe/Berlin", AUTUMN_BERLIN, "0 * * * *", 1, "from 20:00"],
  ["Europe/Berlin", AUTUMN_BERLIN, "15 2-3 * * *", 0.5, "from 00:15 to 00:45 from 02:15 to 02:45"],
  [
    "Europe/Berlin",
    AUTUMN_BERLIN,
    "*/30 2 * * *",
    0.25,
    "from 00:00 to 00:15 from 00:30 to 00:45 from 01:00 to 01:15 from 01:30 to 01:45",
  ],
  ["America/New_York", SPRING_NEW_YORK, "30 2 * * *", 1, "from 07:00 to 08:00"],
  ["America/New_York", SPRING_NEW_YORK, "0 * * * *", 1, "from 03:00"],
  ["America/New_York", AUTUMN_NEW_YORK, "0 1 * * *", 1, "from 05:00 to 06:00"],
  ["America/New_York", AUTUMN_NEW_YORK, "30 1 * * *", 1, "from 05:30 to 06:30"],
  ["America/New_York", AUTUMN_NEW_YORK, "0 * * * *", 1, "from 03:00"],
])("%s from %s: %s for %d h applies %s", (timezone, from, startCron, hours, expected) => {
  const schedule = { activePeriod: { timezone, startCron, durationSecs: hours * 3600 } };
  expect(applies(schedule, at(from), 12 * 60)).toBe(expected);
});

it("is what a walk over every start says", () => {
  const now = at("2026-06-01T12:00:00Z");
  const offset = fc.integer({ min: -4 * 3600, max: 4 * 3600 });
  fc.assert(
    fc.property(
      fc.record({ every: fc.integer({ min: 1, max: 59 }), durationSecs: fc.integer({ min: 1, max: 3 * 3600 }) }),
      fc.record({ start: offset, end: offset }, { requiredKeys: [] }),
      ({ every, durationSecs }, { start, end }) => {
        const [startMs, endMs] = [now + (start ?? -Infinity) * 1000, now + (end ?? Infinity) * 1000];
        const between = {
          ...(start === undefined ? {} : { start: new Date(startMs).toISOString() }),
          ...(end === undefined ? {} : { end: new Date(endMs).toISOString() }),
        };
        const activePeriod = { startCron: `*/${String(every)} * * * *`, durationSecs };
        const naive = (ms: number): boolean => {
          if (ms < startMs || ms >= endMs) return false;
          for (let at = Math.floor(ms / 60_000) * 60_000; at >= startMs && at > ms - durationSecs * 1000; at -= 60_000)
            if (((at / 60_000) % 60) % every === 0) return true;
          return false;
        };
        const schedule = { between, activePeriod };
        const wrong: string[] = [];
        for (let ms = now - 7_000; ms < now + 3600_000; ms += 191_003) {
          const { active, changesAtMs } = windowState(schedule, ms);
          const lastMs = Math.min(changesAtMs - 1, now + 4 * 3600_000);
          const isSo = [ms, (ms + lastMs) / 2, lastMs].every((time) => naive(time) === active);
          if (!isSo || changesAtMs <= ms) wrong.push(new Date(ms).toISOString());
        }
        expect(wrong).toEqual([]);
      },
    ),
    { numRuns: 50 },
  );
});

it("costs a long window that begins every minute no more than any other", () => {
  const asked = [jest.spyOn(Cron.prototype, "nextRun"), jest.spyOn(Cron.prototype, "previousRuns")];
  const schedule = { activePeriod: { startCron: "* * * * *", durationSecs: 366 * 86_400 } };
  const now = at("2026-06-01T12:00:00Z");
  for (let ms = now; ms < now + 60_000; ms += 10_000)
    expect(windowState(schedule, ms)).toEqual({ active: true, changesAtMs: now + 366 * 86_400_000 });
  expect(asked.map(({ mock }) => mock.calls.length)).toEqual([1, 1]);
  for (const spy of asked) spy.mockRestore();
});
