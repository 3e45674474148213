/** One fleet's claim on the servers that a region may run. */
export interface Claim {
  readonly id: string;
  readonly min: number;
  readonly want: number;
}

/**
 * How many servers each fleet may have where the region's maximum does not let all have what they want: first
 * everybody's minimum, then one each in turn to whoever has least and still wants more (max-min fairness).
 * Where all fit, nobody is bounded.
 */
export function fairShares(claims: readonly Claim[], regionMax: number): ReadonlyMap<string, number> {
  const total = claims.reduce((sum, { min, want }) => sum + Math.max(min, want), 0);
  if (total <= regionMax) return new Map(claims.map(({ id }) => [id, Infinity]));
  const shares = new Map<string, number>();
  let left = regionMax;
  for (const { id, min } of claims) {
    const given = Math.min(min, left);
    shares.set(id, given);
    left -= given;
  }
  while (left > 0) {
    const poorest = claims
      .filter(({ id, want }) => (shares.get(id) ?? 0) < want)
      .sort((a, b) => (shares.get(a.id) ?? 0) - (shares.get(b.id) ?? 0))[0];
    if (!poorest) break;
    shares.set(poorest.id, (shares.get(poorest.id) ?? 0) + 1);
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
