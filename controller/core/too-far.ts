import type { Fleet } from "./fleet";
import type { Group } from "./group";
import { limitAfter, waitFor, type LatencyLimit } from "./latency-limit";
import { place } from "./placement";
import type { CoreState } from "./state";

/** Holds a group to the experience's latency limit, which gives way as it waits. Call before it is placed. */
export function bound(s: CoreState, fleet: Fleet, group: Group): void {
  group.hindrance = tooFar(s, fleet, group);
  if (group.hindrance === null || !fleet.config) return;
  const atMs = group.sinceMs + waitFor(fleet.config.routing, worst(s, group) ?? 0);
  if (atMs < group.deadlineMs) s.timers.at(atMs, () => reconsider(s, fleet, group));
}

/** Newly measured latencies, or a longer wait, may open what was too far away. */
export function reconsider(s: CoreState, fleet: Fleet, group: Group): void {
  if (!group.waiting || group.hindrance === null) return;
  fleet.line.remove(group);
  bound(s, fleet, group);
  place(s, group);
}

/** Why these players should not play here although there may be room; null where nothing speaks against it. */
export function tooFar(s: CoreState, fleet: Fleet, group: Group): string | null {
  const measured = worst(s, group);
  if (!fleet.config || measured === null) return null;
  const { routing } = fleet.config;
  const limit = limitAfter(routing, s.nowMs - group.sinceMs);
  if (measured <= limit) return null;
  return `${String(measured)} ms to ${s.settings.region} are above the limit of ${String(Math.round(limit))} ms${growth(routing, limit)}`;
}

/** What is told of a wait stays as it is told while the limit grows. */
function growth({ relaxMsPerSec, relaxToMs }: LatencyLimit, limit: number): string {
  if (relaxMsPerSec <= 0 || limit >= (relaxToMs ?? Infinity)) return "";
  return `, which grows by ${String(relaxMsPerSec)} ms a second${relaxToMs === undefined ? "" : ` up to ${String(relaxToMs)} ms`}`;
}

/** Of those whose latency is known; a party is as far as its farthest. */
function worst(s: CoreState, { sessions }: Group): number | null {
  let worst: number | null = null;
  for (const { latencies } of sessions) {
    const known = latencies[s.settings.region];
    if (known !== undefined && (worst === null || known > worst)) worst = known;
  }
  return worst;
}
