import { isCanary } from "./canary";
import type { ChainVerdict } from "./chain";
import { leastOf, mostOf, type Fleet } from "./fleet";
import { byPriority, comesBefore, priorityOf, priorityText, roomInRegion, waitText } from "./priority";
import { fairShares, regionFloors } from "./region-share";
import type { ScalingBounds } from "./scaling";
import type { CoreState } from "./state";

/**
 * How many servers a fleet may have at this moment: its own policy's bounds, and where the region has no room for all that is claimed,
 * its share by priority.
 * @param claim how many it would have by its own bounds alone
 */
export function boundsOf(
  s: CoreState,
  fleet: Fleet,
  { min, max, keep, stay }: ChainVerdict,
  claim: (own: ScalingBounds) => number,
): ScalingBounds {
  const own = mostOf(fleet, max);
  const least = Math.max(leastOf(fleet), min);
  const pair = isCanary(fleet);
  takeClaim(s, fleet, claim({ floor: Math.min(own, least), cap: own, keep, stay, pair }));
  const claims = claimsOf(s);
  const { maxServersPerRegion, minServersPerRegion } = s.settings.scaling;
  const floor = Math.max(regionFloors(claims, minServersPerRegion).get(fleet.id) ?? 0, min);
  const fair = fairShares(claims, maxServersPerRegion).get(fleet.id) ?? 0;
  // All fit, but what this one does not need stands where others would have theirs.
  const share = Number.isFinite(fair) || !isPressed(s, fleet) ? fair : Math.max(fleet.claim, floor);
  const cap = Math.min(own, share, fleet.servers.size + Math.max(0, roomInRegion(s)));
  return {
    floor: Math.min(cap, floor),
    isRegions: floor > least,
    cap,
    keep,
    stay,
    pair,
    shared: share < own ? sharedText(s, fleet, share) : undefined,
    after: growsAfter(s, fleet),
  };
}

/** What has to be before a fleet may grow; undefined where nothing has. Repairs are made all the same. */
export function growsAfter(s: CoreState, fleet: Fleet): string | undefined {
  if (unheard(s)) return "no agent of the region is heard, so one more server would give nobody a seat";
  const before = comesBefore(s, fleet);
  return before && waitText(before, fleet);
}

/** Nodes are up and their agents are away, all of them: once one is back, so are the servers that are there. */
function unheard(s: CoreState): boolean {
  let up = false;
  for (const { id, down } of s.nodes.values()) {
    if (s.usable(id)) return false;
    up ||= !down;
  }
  return up;
}

function claimsOf(s: CoreState) {
  return [...s.fleets.values()].flatMap((each) =>
    each.config === null
      ? []
      : [
          {
            id: each.id,
            priority: priorityOf(each),
            min: leastOf(each),
            max: each.policy.maxServers,
            want: Math.min(each.policy.maxServers, each.claim),
          },
        ],
  );
}

/** How many it must have, as far as the region's maximum lets it beside the others. */
export function leastAllowed(s: CoreState, fleet: Fleet): number {
  const shares = fairShares(claimsOf(s), s.settings.scaling.maxServersPerRegion);
  return Math.min(leastOf(fleet), shares.get(fleet.id) ?? Infinity);
}

/** So many scaling wants, or somebody by hand. */
export function desiredServers(s: CoreState, fleet: Fleet): number {
  return Math.max(Math.min(fleet.want, fleet.policy.maxServers), leastAllowed(s, fleet));
}

/** Where the region is full, what one claims is what others may have to give up: they look again. */
function takeClaim(s: CoreState, fleet: Fleet, claim: number): void {
  const grows = claim > fleet.claim;
  fleet.claim = claim;
  if (!grows || claim <= fleet.servers.size || roomInRegion(s) > 0) return;
  for (const each of s.fleets.values()) {
    if (each === fleet) continue;
    each.countsChanged = true;
    s.dirty.add(each);
  }
}

/** The region is full, and another has less than it claims. */
function isPressed(s: CoreState, fleet: Fleet): boolean {
  if (roomInRegion(s) > 0) return false;
  for (const each of s.fleets.values()) if (each !== fleet && each.claim > each.servers.size) return true;
  return false;
}

function sharedText(s: CoreState, fleet: Fleet, share: number): string {
  const { maxServersPerRegion } = s.settings.scaling;
  const first = byPriority([...s.fleets.values()]).filter(
    (each) => each.claim > 0 && priorityOf(each) > priorityOf(fleet),
  );
  const ahead = first.length === 0 ? "" : `; before it come ${first.map(priorityText).join(", ")}`;
  return `of the region's ${String(maxServersPerRegion)} servers ${priorityText(fleet)} may have ${String(share)}${ahead}`;
}
