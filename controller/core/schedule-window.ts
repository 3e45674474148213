import { Cron } from "croner";
import type { ScheduleWindow } from "../../config/scaling-chain";

/** Whether a schedule applies, and when that may change; Infinity: never again. */
export interface WindowState {
  readonly active: boolean;
  readonly changesAtMs: number;
}

const ALWAYS: WindowState = { active: true, changesAtMs: Infinity };

/** What was parsed is kept: a schedule is asked about with every evaluation. */
const parsed = new WeakMap<ScheduleWindow, Cron>();

/**
 * A cron expression begins to apply at each of its times and applies for `durationSecs`; without a duration from its first
 * time on. Only between `between.start` and `between.end`. Times of a time zone follow its clock: a start in the hour that
 * is left out in spring comes when the clock goes on, one in the hour that comes twice in autumn comes once.
 */
export function windowState(schedule: ScheduleWindow | undefined, nowMs: number): WindowState {
  if (!schedule) return ALWAYS;
  const startMs = timeOf(schedule.between?.start, -Infinity);
  const endMs = timeOf(schedule.between?.end, Infinity);
  if (nowMs >= endMs) return { active: false, changesAtMs: Infinity };
  if (nowMs < startMs) return { active: false, changesAtMs: startMs };
  const cron = cronOf(schedule);
  if (!cron) return { active: true, changesAtMs: endMs };
  const durationMs = schedule.activePeriod?.durationSecs;
  if (durationMs === undefined) {
    const first = Number.isFinite(startMs) ? next(cron, startMs - 1) : -Infinity;
    return nowMs >= first
      ? { active: true, changesAtMs: endMs }
      : { active: false, changesAtMs: Math.min(first, endMs) };
  }
  const lengthMs = durationMs * 1000;
  // The first start that has not run out yet: it is now if it is not in the future.
  const start = next(cron, Math.max(nowMs - lengthMs, startMs - 1));
  if (start > nowMs) return { active: false, changesAtMs: Math.min(start, endMs) };
  let until = start + lengthMs;
  // A later start may have begun within it, and goes on for longer.
  for (let later = next(cron, start); later <= nowMs; later = next(cron, later)) until = later + lengthMs;
  return { active: true, changesAtMs: Math.min(until, endMs) };
}

function timeOf(text: string | undefined, otherwise: number): number {
  return text === undefined ? otherwise : Date.parse(text);
}

function cronOf(schedule: ScheduleWindow): Cron | undefined {
  const { startCron, timezone = "UTC" } = schedule.activePeriod ?? {};
  if (startCron === undefined) return undefined;
  let cron = parsed.get(schedule);
  if (!cron) parsed.set(schedule, (cron = new Cron(startCron, { timezone, paused: true })));
  return cron;
}

/** The first time after `afterMs`; Infinity where there is none. */
function next(cron: Cron, afterMs: number): number {
  return cron.nextRun(new Date(afterMs))?.getTime() ?? Infinity;
}
