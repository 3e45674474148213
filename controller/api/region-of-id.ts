/**
 * The region that an id such as `srv-us-east-4k2m` names. Region names may hold dashes and one may begin another, so
 * the longest that fits counts.
 * @returns undefined where no region of the run fits
 */
export function regionOfId(id: string, regions: readonly { readonly name: string }[]): string | undefined {
  const dash = id.indexOf("-");
  if (dash < 0) return undefined;
  let best: string | undefined;
  for (const { name } of regions) {
    if (best !== undefined && name.length <= best.length) continue;
    if (id.startsWith(name, dash + 1) && id[dash + 1 + name.length] === "-") best = name;
  }
  return best;
}
