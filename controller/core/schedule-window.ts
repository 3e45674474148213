import { CronTimes } from "../../config/cron-times";
import type { ScheduleWindow } from "../../config/scaling-chain";

/** Whether a schedule applies, and when that may change; Infinity: never again. */
export interface WindowState {
  readonly active: boolean;
  readonly changesAtMs: number;
}

const ALWAYS: WindowState = { active: true, changesAtMs: Infinity };

/** What was parsed is kept: a schedule is asked about with every evaluation. */
const parsed = new WeakMap<ScheduleWindow, CronTimes>();

/**
 * A cron expression begins to apply at each of its times and applies for `durationSecs`; without a duration from its first
 * time on. Only between `between.start` and `between.end`. How times follow a zone's clock is told at `CronTimes`.
 */
export function windowState(schedule: ScheduleWindow | undefined, nowMs: number): WindowState {
  if (!schedule) return ALWAYS;
  const startMs = timeOf(schedule.between?.start, -Infinity);
  const endMs = timeOf(schedule.between?.end, Infinity);
  if (nowMs >= endMs) return { active: false, changesAtMs: Infinity };
  if (nowMs < startMs) return { active: false, changesAtMs: startMs };
  const times = timesOf(schedule);
  if (!times) return { active: true, changesAtMs: endMs };
  const { lastMs, nextMs } = times.around(nowMs);
  const { durationSecs } = schedule.activePeriod ?? {};
  const untilMs = durationSecs === undefined ? Infinity : lastMs + durationSecs * 1000;
  // Later starts within it make it longer: it is looked at again then.
  return lastMs >= startMs && Number.isFinite(lastMs) && nowMs < untilMs
    ? { active: true, changesAtMs: Math.min(untilMs, endMs) }
    : { active: false, changesAtMs: Math.min(nextMs, endMs) };
}

function timeOf(text: string | undefined, otherwise: number): number {
  return text === undefined ? otherwise : Date.parse(text);
}

function timesOf(schedule: ScheduleWindow): CronTimes | undefined {
  const { startCron, timezone } = schedule.activePeriod ?? {};
  if (startCron === undefined) return undefined;
  let times = parsed.get(schedule);
  if (!times) parsed.set(schedule, (times = new CronTimes(startCron, timezone)));
  return times;
}
