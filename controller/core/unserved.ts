import type { Fleet } from "./fleet";
import type { CoreState } from "./state";

/**
 * Who asked for a server or a seat, found none and was sent away at once: they stand in no line, but come again. As Agones'
 * allocators and others who ask each second or so do, each is taken to come once a second; so many as were refused within the busiest second
 * are demand, until nobody has been refused for some seconds. Without this a fleet at zero would never start a server for them.
 */
export interface Unserved {
  /** In servers where a party takes a whole one, in seats otherwise: of this second, and of the one before it. */
  count: number;
  before: number;
  secondMs: number;
  lastMs: number;
}

const SECOND_MS = 1000;
const LASTS_MS = 5000;

export function newUnserved(): Unserved {
  return { count: 0, before: 0, secondMs: -Infinity, lastMs: -Infinity };
}

/**
 * `units`: servers, or seats, as the fleet's room is counted.
 * @param unserved of the fleet, or of its canary
 */
export function noteUnserved(s: CoreState, fleet: Fleet, units: number, unserved = fleet.unserved): void {
  const ageMs = s.nowMs - unserved.secondMs;
  if (ageMs >= SECOND_MS) {
    unserved.before = ageMs < 2 * SECOND_MS ? unserved.count : 0;
    unserved.count = 0;
    unserved.secondMs = s.nowMs;
  }
  unserved.count += units;
  unserved.lastMs = s.nowMs;
  fleet.countsChanged = true;
  s.dirty.add(fleet);
}

/** What nobody has had yet, beside what is `free` by now. */
export function unservedNow(unserved: Unserved, nowMs: number, free: number): number {
  if (nowMs - unserved.lastMs >= LASTS_MS) return 0;
  return Math.max(0, Math.max(unserved.count, unserved.before) - free);
}
