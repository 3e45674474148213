/**
 * How a fleet goes from one version to another: how many servers of the version that comes are started next, and how many
 * empty ones of those that go are closed. Servers with players on are never among them: they end with their players.
 *
 * As in Agones (`pkg/fleets/controller.go`) there are at most `size + maxSurge` servers, of which at least
 * `size - maxUnavailable` are up; a share is rounded up for the surge, and down, to 1 at least, for the unavailable.
 */
export interface RolloutSeen {
  /** Servers of all versions that have not ended and are not on their way out. */
  readonly size: number;
  /** Of the version that comes, in whatever state. */
  readonly fresh: number;
  /** Empty servers of versions that go, which may be closed now. */
  readonly oldEmpty: number;
  /** Being closed for the rollout at this moment. */
  readonly closing: number;
  /** Started for the rollout without any having gone for them yet: still starting, and up. */
  readonly aheadStarting: number;
  readonly aheadUp: number;
  /** Still starting in the place of one that has gone already. */
  readonly behind: number;
  /** How many more servers experience and region may have. */
  readonly room: number;
}

export interface RolloutLimits {
  /** Share of the fleet that shall run the version that comes: 0 to 1; 1 once it is more than a canary. */
  readonly share: number;
  /** So many servers at most are started before as many have gone; at least one. */
  readonly maxSurge: Amount;
  /** So many at most go before as many have come up. */
  readonly maxUnavailable: Amount;
}

/** So many servers, or a share of the fleet. */
export type Amount =
  { readonly kind: "servers"; readonly servers: number } | { readonly kind: "share"; readonly share: number };

/** Every server at once. */
export const ALL: Amount = { kind: "share", share: 1 };
export const NONE: Amount = { kind: "servers", servers: 0 };

export interface RolloutStep {
  /** Started ahead: an old one goes once each is up. */
  readonly start: number;
  /** Closed, as so many that were ahead are up. */
  readonly close: number;
  /** Closed at once, with as many started in their place. */
  readonly swap: number;
}

export function planRollout(seen: RolloutSeen, limits: RolloutLimits): RolloutStep {
  // The fleet goes to zero: what is started in its place would keep it from that.
  if (seen.size === 0) return { start: 0, close: 0, swap: 0 };
  const ahead = seen.aheadStarting + seen.aheadUp;
  const size = seen.size - ahead;
  const surge = Math.max(1, roundedUp(limits.maxSurge, size));
  const unavailable = roundedDown(limits.maxUnavailable, size);
  const missing = shareOf(limits.share, size) - seen.fresh;
  // Each server that is ahead takes the place of one empty one; those with players on give theirs up by themselves.
  const replaceable = Math.max(seen.oldEmpty - ahead, seen.fresh === 0 ? 1 : 0);
  const start = clamp(Math.min(missing, replaceable), Math.min(surge - ahead, seen.room));
  const close = Math.min(seen.oldEmpty, seen.aheadUp);
  const swap = clamp(
    Math.min(seen.oldEmpty - ahead - start, missing - start),
    Math.min(unavailable - seen.behind, seen.room - start),
  );
  if (start > 0 || close > 0 || swap > 0 || missing <= 0) return { start, close, swap };
  // The maximum leaves no room for a new server beside the old ones: empty ones make it.
  const stuck = seen.room <= 0 && ahead === 0 && seen.closing === 0 && seen.behind === 0;
  return { start: 0, close: stuck ? clamp(Math.min(seen.oldEmpty, missing), Math.max(1, unavailable)) : 0, swap: 0 };
}

/** How many servers of `size` a share of them is; at least one of any fleet. */
export function shareOf(share: number, size: number): number {
  return share >= 1 ? Math.max(1, size) : Math.max(1, Math.round(share * size));
}

function roundedUp(amount: Amount, size: number): number {
  return amount.kind === "servers" ? amount.servers : Math.ceil(amount.share * size - 1e-9);
}

function roundedDown(amount: Amount, size: number): number {
  if (amount.kind === "servers") return Math.min(amount.servers, size);
  return amount.share === 0 ? 0 : Math.min(size, Math.max(1, Math.floor(amount.share * size + 1e-9)));
}

function clamp(value: number, most: number): number {
  return Math.max(0, Math.min(value, most));
}
