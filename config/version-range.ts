/**
 * Which versions a wish takes: one by its name, or a range in npm's notation, `^1.4`, `~1.4.2`, `1.x`, `>=1.4 <2`,
 * `1.4 - 1.6`, and several of both joined by `||`. A plain `1.4` is the version of that name and no other. A name is whatever a version is called and is compared as it stands; ranges take versions of one to
 * three numbers. A pre-release (`2.0.0-rc.1`) comes before its release; a range whose upper end is a release leaves that one's
 * pre-releases out, unlike npm, where only a flag does.
 * Source: node-semver's README, "Ranges" and "Range Grammar".
 */

interface Version {
  readonly numbers: readonly number[];
  /** Dotted parts behind the hyphen; null of a release. */
  readonly pre: readonly string[] | null;
}

interface Bound {
  readonly op: "<" | "<=" | ">" | ">=";
  readonly version: Version;
}

type Test = (version: string) => boolean;

const VERSION = /^v?(\d{1,9}(?:\.\d{1,9}){0,2})(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;
const PARTIAL =
  /^(\^|~|<=|>=|<|>|=)?v?(\*|x|\d{1,9}(?:\.(?:\d{1,9}|\*|x)){0,2})(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/i;
/** What a name that stands alone has none of. */
const RANGE_SIGNS = /[\^~<>=*\s]|(?:^|\.)x(?:\.|$)/i;
/** Below every pre-release. */
const LOWEST = ["-"];

/** Wishes are few and asked for often. */
const KNOWN_MAX = 1000;
const known = new Map<string, Test | null>();

/** Whether a server of this version is what was asked for. */
export function takesVersion(wish: string, version: string): boolean {
  return wish === version || (isRangeLike(wish) && (rangeOf(wish)?.(version) ?? false));
}

/** Whether it can be meant: a version's name, or a range that can be read. */
export function isReadable(wish: string): boolean {
  return wish.trim() !== "" && (!isRangeLike(wish) || rangeOf(wish) !== null);
}

/** Whether it is more than one version's name. */
export function isRange(wish: string): boolean {
  return isRangeLike(wish) && rangeOf(wish) !== null;
}

function isRangeLike(wish: string): boolean {
  return RANGE_SIGNS.test(wish) || wish.includes("||");
}

/** Newer first; versions that are no numbers come last, by name. */
export function newestFirst(a: string, b: string): number {
  const [left, right] = [versionOf(a), versionOf(b)];
  if (left && right) return compare(right, left);
  return left ? -1 : right ? 1 : a < b ? -1 : Number(a > b);
}

/** Null where it is no range. */
function rangeOf(wish: string): Test | null {
  let test = known.get(wish);
  if (test !== undefined) return test;
  test = parseRange(wish);
  if (known.size >= KNOWN_MAX) known.clear();
  known.set(wish, test);
  return test;
}

function parseRange(wish: string): Test | null {
  const choices: Test[] = [];
  for (const text of wish.split("||").map((choice) => choice.trim())) {
    if (text === "") return null;
    if (!RANGE_SIGNS.test(text)) {
      choices.push((name) => name === text);
      continue;
    }
    const bounds = boundsOf(text);
    if (!bounds) return null;
    choices.push((name) => {
      const version = versionOf(name);
      return !!version && bounds.every((bound) => holds(version, bound));
    });
  }
  return (name) => choices.some((choice) => choice(name));
}

function boundsOf(text: string): Bound[] | null {
  const between = /^(\S+)\s+-\s+(\S+)$/.exec(text);
  const parts = between
    ? [`>=${between[1] ?? ""}`, `<=${between[2] ?? ""}`]
    : text.replace(/(\^|~|<=|>=|<|>|=)\s+/g, "$1").split(/\s+/);
  const bounds: Bound[] = [];
  for (const part of parts) {
    const found = PARTIAL.exec(part);
    if (!found) return null;
    bounds.push(...expand(found[1] ?? "", found[2] ?? "", found[3]));
  }
  return bounds;
}

function expand(op: string, digits: string, suffix: string | undefined): readonly Bound[] {
  const numbers: number[] = [];
  for (const part of digits.split(".")) {
    if (!/^\d/.test(part)) break;
    numbers.push(Number(part));
  }
  const pre = suffix === undefined ? null : suffix.split(".");
  const low: Version = { numbers, pre };
  const from: Bound = { op: ">=", version: low };
  const isWhole = numbers.length === 3;
  if (numbers.length === 0) return op === "<" || op === ">" ? [below([0])] : [];
  switch (op) {
    case "^":
      return [from, below(bumped(numbers, caretPlace(numbers)))];
    case "~":
      return [from, below(bumped(numbers, Math.min(1, numbers.length - 1)))];
    case ">":
      return isWhole
        ? [{ op: ">", version: low }]
        : [{ op: ">=", version: { numbers: bumped(numbers, numbers.length - 1), pre: null } }];
    case ">=":
      return [from];
    case "<":
      return [pre ? { op: "<", version: low } : below(numbers)];
    case "<=":
      return isWhole ? [{ op: "<=", version: low }] : [below(bumped(numbers, numbers.length - 1))];
    default:
      return isWhole ? [from, { op: "<=", version: low }] : [from, below(bumped(numbers, numbers.length - 1))];
  }
}

/** Below it and all its pre-releases. */
function below(numbers: readonly number[]): Bound {
  return { op: "<", version: { numbers, pre: LOWEST } };
}

/** `^` keeps the first number that is not 0. */
function caretPlace(numbers: readonly number[]): number {
  const place = numbers.findIndex((number) => number > 0);
  return place < 0 ? numbers.length - 1 : place;
}

function bumped(numbers: readonly number[], place: number): readonly number[] {
  return numbers.slice(0, place + 1).map((number, i) => (i === place ? number + 1 : number));
}

function versionOf(name: string): Version | null {
  const found = VERSION.exec(name);
  if (!found) return null;
  return { numbers: (found[1] ?? "").split(".").map(Number), pre: found[2]?.split(".") ?? null };
}

function holds(version: Version, { op, version: bound }: Bound): boolean {
  const order = compare(version, bound);
  if (op === "<") return order < 0;
  if (op === "<=") return order <= 0;
  return op === ">" ? order > 0 : order >= 0;
}

function compare(a: Version, b: Version): number {
  for (let i = 0; i < 3; i++) {
    const order = (a.numbers[i] ?? 0) - (b.numbers[i] ?? 0);
    if (order !== 0) return order;
  }
  if (!a.pre || !b.pre) return Number(b.pre !== null) - Number(a.pre !== null);
  return comparePre(a.pre, b.pre);
}

/** Numbers by value and before words, words by their letters, more parts after fewer. */
function comparePre(a: readonly string[], b: readonly string[]): number {
  if (a === LOWEST || b === LOWEST) return Number(b === LOWEST) - Number(a === LOWEST);
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [left, right] = [a[i], b[i]];
    if (left === undefined || right === undefined) return left === undefined ? -1 : 1;
    if (left === right) continue;
    const [isLeft, isRight] = [/^\d+$/.test(left), /^\d+$/.test(right)];
    if (isLeft && isRight) return Number(left) - Number(right);
    if (isLeft !== isRight) return isLeft ? -1 : 1;
    return left < right ? -1 : 1;
  }
  return 0;
}
