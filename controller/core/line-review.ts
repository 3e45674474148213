import type { CoreProblem } from "./decision";
import type { Fleet } from "./fleet";
import type { Group } from "./group";
import { giveUp, whyNotNow } from "./placement";
import { growable, hasVersion, neverFits, noVersion } from "./routing";
import type { CoreState } from "./state";
import { bound, tooFar } from "./too-far";

/**
 * forge.toml is another, or the versions that new servers run: who waits is held to what holds now. Whom a new server could
 * take is a reason to start one, and no longer where it could not; limits of latency are those of today; and who can be placed
 * no more at all is told, as with the last server of a version that nothing is started in any more.
 */
export function reviewLine(s: CoreState, fleet: Fleet): void {
  if (!fleet.reviewDue) return;
  fleet.reviewDue = false;
  for (const group of fleet.line.all()) {
    // What is not heard of yet may fit.
    const never = group.kind === "move" || whyNotNow(s) !== null ? null : whyNever(fleet, group);
    if (never !== null) {
      fleet.line.remove(group);
      giveUp(s, group, never);
      continue;
    }
    const before = group.hindrance;
    const grows = growable(fleet, group);
    const bounded = group.kind === "join" && (before ?? tooFar(s, fleet, group)) !== null;
    if (grows === group.growable && !bounded) continue;
    fleet.line.remove(group);
    group.growable = grows;
    if (group.kind === "join") bound(s, fleet, group);
    fleet.line.add(group);
    if (before === group.hindrance) continue;
    group.reason = group.hindrance ?? "it was too far away until forge.toml changed";
    for (const session of group.sessions) session.reason = group.reason;
  }
}

function whyNever(fleet: Fleet, group: Group): CoreProblem | null {
  const { version, selectors } = group;
  const never = neverFits(fleet, group);
  if (never !== null || version === undefined || selectors.length > 0 || hasVersion(fleet, version)) return never;
  return noVersion(fleet, version);
}
