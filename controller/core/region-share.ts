/** One fleet's claim on the servers that a region may run. */
export interface Claim {
  readonly id: string;
  /** The higher comes first. */
  readonly priority: number;
  readonly min: number;
  readonly want: number;
}

/**
 * How many servers each fleet may have where the region's maximum does not let all have what they want: everybody's
 * minimum first, and one server for each that wants any, so that none starves. What is left goes to the highest priority as far as
 * it wants more, then to the next; within one priority all are raised to the same level (max-min fairness). Where all fit,
 * nobody is bounded. The order of the claims makes no difference.
 */
export function fairShares(claims: readonly Claim[], regionMax: number): ReadonlyMap<string, number> {
  const total = claims.reduce((sum, { min, want }) => sum + Math.max(min, want), 0);
  if (total <= regionMax) return new Map(claims.map(({ id }) => [id, Infinity]));
  const ranked = [...claims].sort((a, b) => b.priority - a.priority || (a.id < b.id ? -1 : 1));
  const shares = new Map<string, number>();
  let left = regionMax;
  const give = (claim: Claim, upTo: number): void => {
    const has = shares.get(claim.id) ?? 0;
    const more = Math.max(0, Math.min(upTo - has, left));
    shares.set(claim.id, has + more);
    left -= more;
  };
  // Minimums alone may be more than there is: whoever comes first has theirs.
  for (const claim of ranked) give(claim, claim.min);
  for (const claim of ranked) give(claim, Math.min(1, claim.want));
  for (const priority of new Set(ranked.map((claim) => claim.priority))) {
    const tier = ranked.filter((claim) => claim.priority === priority);
    const level = levelOf(tier, shares, left);
    for (const claim of tier) give(claim, Math.min(claim.want, level));
    for (const claim of tier) if ((shares.get(claim.id) ?? 0) === level) give(claim, Math.min(claim.want, level + 1));
  }
  return shares;
}

/** The highest level that all can be raised to by `left` more, none beyond what it wants. */
function levelOf(tier: readonly Claim[], shares: ReadonlyMap<string, number>, left: number): number {
  const cost = (level: number): number =>
    tier.reduce((sum, { id, want }) => sum + Math.max(0, Math.min(want, level) - (shares.get(id) ?? 0)), 0);
  let low = 0;
  let high = Math.max(...tier.map(({ want }) => want));
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (cost(middle) <= left) low = middle;
    else high = middle - 1;
  }
  return low;
}

/**
 * How many servers more than its own minimum each fleet must keep so that the region has its minimum: the missing ones
 * go round, one each, to those with room below their maximum.
 */
export function regionFloors(
  claims: readonly (Pick<Claim, "id" | "min"> & { readonly max: number })[],
  regionMin: number,
): ReadonlyMap<string, number> {
  const floors = new Map(claims.map(({ id, min }) => [id, min]));
  let missing = regionMin - claims.reduce((sum, { min }) => sum + min, 0);
  for (let given = true; missing > 0 && given;) {
    given = false;
    for (const { id, max } of claims) {
      const floor = floors.get(id) ?? 0;
      if (missing <= 0 || floor >= max) continue;
      floors.set(id, floor + 1);
      missing--;
      given = true;
    }
  }
  return floors;
}
