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
  const durationMs = schedule.activePeriod?.durationSecs;
  if (durationMs === undefined) {
    const first = Number.isFinite(startMs) ? times.next(startMs - 1) : -Infinity;
    return nowMs >= first
      ? { active: true, changesAtMs: endMs }
      : { active: false, changesAtMs: Math.min(first, endMs) };
  }
  const lengthMs = durationMs * 1000;
  // The first start that has not run out yet: it is now if it is not in the future.
  const start = times.next(Math.max(nowMs - lengthMs, startMs - 1));
  if (start > nowMs) return { active: false, changesAtMs: Math.min(start, endMs) };
  let until = start + lengthMs;
  // A later start may have begun within it, and goes on for longer.
  for (let later = times.next(start); later <= nowMs; later = times.next(later)) until = later + lengthMs;
  return { active: true, changesAtMs: Math.min(until, endMs) };
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
