import { createContext, Script } from "node:vm";

/** What one line matched. */
export interface LineMatch<Name extends string> {
  readonly pattern: Name;
  /** What the group named `player` matched, else the first group; empty where there is none. */
  readonly player: string;
}

/** All lines of one call together; far more than good patterns need for thousands of lines. */
const WITHIN_MS = 200;
/** A pattern that ran out of time so often is not used any more. */
const STRIKES = 3;
const MAX_PLAYER_CHARS = 128;

/**
 * Patterns come from a configuration, and what they are held against from whoever plays: some of them take longer than
 * the universe lasts on a line made for it. The engine can interrupt a match, though only from outside of it, which is
 * what a script with a timeout does, for some 50 µs a call.
 */
const context = createContext({ work: () => undefined });
const script = new Script("work()");

function withinTime(work: () => void): boolean {
  context.work = work;
  try {
    script.runInContext(context, { timeout: WITHIN_MS });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_SCRIPT_EXECUTION_TIMEOUT") return false;
    throw error;
  } finally {
    context.work = undefined;
  }
}

/** Holds lines of bounded length against a few patterns, in bounded time. */
export class LineMatcher<Name extends string> {
  readonly #patterns: Map<Name, { readonly regex: RegExp; strikes: number }>;

  /**
   * @param patterns regular expressions by name
   * @param onGivenUp told of a pattern that took too long for the last time
   */
  constructor(
    patterns: Readonly<Partial<Record<Name, RegExp>>>,
    private readonly onGivenUp: (pattern: Name) => void,
  ) {
    const entries = Object.entries(patterns) as [Name, RegExp | undefined][];
    this.#patterns = new Map(entries.flatMap(([name, regex]) => (regex ? [[name, { regex, strikes: 0 }]] : [])));
  }

  /** All matches, line by line, of one line in the order of the patterns. A line that took too long has none. */
  match(lines: readonly string[]): readonly LineMatch<Name>[] {
    const matches: LineMatch<Name>[] = [];
    let at = 0;
    let trying: Name | undefined;
    const work = (): void => {
      for (; at < lines.length; at++) {
        for (const [name, { regex }] of this.#patterns) {
          trying = name;
          const match = regex.exec(lines[at] as string);
          if (match !== null) matches.push({ pattern: name, player: playerOf(match) });
        }
      }
    };
    while (at < lines.length && this.#patterns.size > 0 && !withinTime(work)) {
      at++;
      if (trying !== undefined) this.#strike(trying);
    }
    return matches;
  }

  #strike(name: Name): void {
    const pattern = this.#patterns.get(name);
    if (pattern === undefined || ++pattern.strikes < STRIKES) return;
    this.#patterns.delete(name);
    this.onGivenUp(name);
  }
}

function playerOf(match: RegExpExecArray): string {
  return (match.groups?.player ?? match[1] ?? "").trim().slice(0, MAX_PLAYER_CHARS);
}

/**
 * @param place what the pattern is for, for the error
 * @throws {Error} where it is no regular expression, or should capture a player and cannot
 */
export function compilePattern(source: string, place: string, capturesPlayer: boolean): RegExp {
  let regex: RegExp;
  try {
    regex = new RegExp(source);
  } catch (error) {
    throw new Error(`${place} = "${source}" is no regular expression: ${(error as Error).message}`, { cause: error });
  }
  // Matches the empty text whatever the pattern is, and so tells how many groups it has.
  const groups = (new RegExp(`${source}|`).exec("")?.length ?? 1) - 1;
  if (capturesPlayer && groups === 0) {
    throw new Error(`${place} = "${source}" has no group for the player's name; put one around it: (?<player>…)`);
  }
  return regex;
}
