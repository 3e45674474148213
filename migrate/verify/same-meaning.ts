import type { Json } from "./finding";

/** Where two jobs say different things, as a path into Nomad's JSON; undefined where they do not. */
export function differenceOf(a: Json, b: Json): string | undefined {
  return firstDifference(meaning(a), meaning(b), "");
}

/** Without what says nothing: Nomad's parser fills in zeros, and what it says of every template. */
function meaning(value: Json): Json {
  if (Array.isArray(value)) return value.map((each: Json) => meaning(each));
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value)
    .map(([key, each]) => [key, meaning(each)] as const)
    .filter(([key, each]) => !isNothing(each) && key !== "Splay" && !(key === "Perms" && each === "0644"));
  return Object.fromEntries(kept);
}

function isNothing(value: Json): boolean {
  if (value === null || value === "" || value === false || value === 0) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

function firstDifference(a: Json | undefined, b: Json | undefined, path: string): string | undefined {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null)
    return a === b ? undefined : path || "/";
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
  const [left, right] = [a, b] as Readonly<Record<string, Json>>[];
  for (const key of keys) {
    const found = firstDifference(left?.[key], right?.[key], `${path}/${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}
