/** One fleet's claim on the servers that a region may run. */
export interface Claim {
  readonly id: string;
  readonly min: number;
  readonly want: number;
}

/**
 * How many servers each fleet may have where the region's maximum does not let all have what they want: everybody's
 * minimum first, then all are raised to the same level as far as the rest goes, none beyond what it wants (max-min
 * fairness). Where all fit, nobody is bounded.
 */
export function fairShares(claims: readonly Claim[], regionMax: number): ReadonlyMap<string, number> {
  const total = claims.reduce((sum, { min, want }) => sum + Math.max(min, want), 0);
  if (total <= regionMax) return new Map(claims.map(({ id }) => [id, Infinity]));
  const at = ({ min, want }: Claim, level: number): number => Math.max(min, Math.min(want, level));
  const sumAt = (level: number): number => claims.reduce((sum, claim) => sum + at(claim, level), 0);
  // The highest level that fits.
  let low = 0;
  let high = regionMax;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (sumAt(middle) <= regionMax) low = middle;
    else high = middle - 1;
  }
  let left = regionMax;
  const shares = new Map<string, number>();
  for (const claim of claims) {
    // Minimums alone may be more than there is: whoever comes first has theirs.
    const share = Math.min(at(claim, low), left);
    shares.set(claim.id, share);
    left -= share;
  }
  for (const claim of claims) {
    const share = shares.get(claim.id) ?? 0;
    if (left <= 0 || share >= claim.want) continue;
    shares.set(claim.id, share + 1);
    left--;
  }
  return shares;
}

/**
 * How many servers more than its own minimum each fleet must keep so that the region has its minimum: the missing ones
 * go round, one each, to those with room below their maximum.
 */
export function regionFloors(
  claims: readonly (Claim & { readonly max: number })[],
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
