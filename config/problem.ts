/** One thing that is wrong in a forge.toml, the environment or a flag. */
export interface Problem {
  /** Where, in the file's own names: `experiences.arena.max_players`, `regions[1].name`; empty for the file as a whole. */
  readonly path: string;
  /** What stands there; `"(hidden)"` where it may be a secret, `undefined` where nothing does. */
  readonly value: unknown;
  readonly problem: string;
  /** What to write instead. */
  readonly fix: string;
  /** From 1. */
  readonly line?: number;
  readonly column?: number;
}

/** Thrown by `loadConfig` with every problem it found, in the order of the file. */
export class ConfigError extends Error {
  readonly code = "configInvalid";

  constructor(
    readonly file: string,
    readonly problems: readonly Problem[],
  ) {
    super(describeProblems(problems, { file }));
    this.name = "ConfigError";
  }
}

export interface DescribeOptions {
  /** ANSI colours, for a terminal. */
  readonly color?: boolean;
  /** Named before line and column; `forge.toml` unless told. */
  readonly file?: string;
}

/**
 * The problems as people read them: place, path and value, what is wrong, what to do.
 *
 *     forge.toml:12:15  experiences.arena.max_players = -4
 *       must be at least 1
 *       fix: write a number from 1 to 10000
 */
export function describeProblems(problems: readonly Problem[], options: DescribeOptions = {}): string {
  const paint = (code: string, text: string) => (options.color === true ? `\u001b[${code}m${text}\u001b[0m` : text);
  const blocks = problems.map((found) => {
    const head = [paint("2", placeOf(found, options.file ?? "forge.toml")), paint("1", subjectOf(found))];
    const lines = [`  ${paint("31", found.problem)}`, `  ${paint("32", "fix:")} ${found.fix}`];
    return [head.filter((part) => part !== "").join("  "), ...lines].join("\n");
  });
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return `${blocks.join("\n\n")}\n\n${paint("1", count)}`;
}

function placeOf({ line, column }: Problem, file: string): string {
  if (line === undefined) return file;
  return column === undefined ? `${file}:${line}` : `${file}:${line}:${column}`;
}

function subjectOf({ path, value }: Problem): string {
  if (path === "") return "";
  return value === undefined ? path : `${path} = ${shown(value)}`;
}

/** A value on one line of at most 80 characters. */
function shown(value: unknown): string {
  const text =
    JSON.stringify(value, (_key, inner: unknown) => (typeof inner === "bigint" ? String(inner) : inner)) ?? "";
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** Keys and array indices from the root of the file. */
export type Path = readonly (string | number)[];

/** `["regions", 1, "name"]` as `regions[1].name`; keys that TOML must quote are quoted. */
export function formatPath(path: Path): string {
  return path
    .map((key, at) => {
      if (typeof key === "number") return `[${key}]`;
      const bare = /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key);
      return at === 0 ? bare : `.${bare}`;
    })
    .join("");
}
