/** Region, experience, role and volume names: they become parts of job, stack, service and DNS names. */
export const NAME = /^[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?$/;
/** A port's label: it becomes part of `NOMAD_PORT_label`. */
export const PORT_NAME = /^[a-z][a-z0-9_]{0,30}$/;
/** Of a counter or list, as Kubernetes names things; Agones' SDK and allocations ask by it. */
export const COUNT_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
export const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The nearest name that `NAME` accepts, or undefined where nothing is left of it. */
export function asName(text: string): string | undefined {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+/, "")
    .slice(0, 32)
    .replace(/-+$/, "");
  return NAME.test(name) ? name : undefined;
}

/**
 * The one of `known` that somebody who wrote `word` most likely meant: the same but for case and separators, or at
 * most a third of its letters away.
 */
export function didYouMean(word: string, known: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, "");
  const same = known.find((candidate) => plain(candidate) === plain(word));
  if (same !== undefined) return same;
  const limit = Math.max(1, Math.floor(word.length / 3));
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const candidate of known) {
    const distance = editDistance(word, candidate, limit);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** The fix for a name that is none of `known`: the one that was meant, or all. */
export function oneOf(name: string, known: readonly string[]): string {
  const meant = didYouMean(name, known);
  return meant === undefined ? `write one of ${known.join(", ")}` : `did you mean ${meant}?`;
}

/** Insertions, deletions, replacements and swaps of neighbours between two words; anything above `limit` may be returned as more. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const cost = a[row - 1] === b[column - 1] ? 0 : 1;
      let distance = Math.min((last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (last[column - 1] ?? 0) + cost);
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        distance = Math.min(distance, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(distance);
    }
    [beforeLast, last] = [last, current];
  }
  return last[b.length] ?? limit + 1;
}

/** `minReplicas` as forge.toml has it, `min_replicas`. */
export function inSnakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
