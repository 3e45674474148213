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
