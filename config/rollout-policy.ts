/** So many servers, or a share of the fleet, 0 to 1. */
export type ServerAmount =
  { readonly kind: "servers"; readonly servers: number } | { readonly kind: "share"; readonly share: number };

/** How a new version is taken in. */
export interface RolloutPolicy {
  /** `recreate`: every empty old server goes at once; `rolling` unless given. */
  readonly strategy?: "rolling" | "recreate";
  /** 0 to 1, above 0: the share of a fleet that runs a new version first; 1: no canary. */
  readonly canaryShare: number;
  /** A canary that has been up for so long is promoted by itself; undefined: by hand. */
  readonly promoteAfterSecs: number | undefined;
  /** So many servers of the new version that do not come up, hang or die stop the rollout. */
  readonly maxFailures: number;
  readonly onFailure: "rollback" | "pause";
  /** How many servers of the new version are started before as many old ones have gone; a share is rounded up. */
  readonly maxSurge: ServerAmount;
  /** How many old servers are closed before as many new ones are up; a share is rounded down, to 1 at least. None unless given. */
  readonly maxUnavailable?: ServerAmount;
}
