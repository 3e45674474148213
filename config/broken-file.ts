import { loadConfig } from "./load";
import { ConfigError, type Problem } from "./problem";
import type { ConfigEnv, ConfigFlags } from "./resolve";

/** For tests: a file that is right, into which each case puts one thing that is wrong. */
export const ARENA = `
[experiences.arena]
command = "arena"
max_players = 16
`;

/** A forge.toml with one fault, and what must be said of it. */
export interface Broken {
  readonly name: string;
  readonly file: string;
  readonly path: string;
  readonly problem: RegExp;
  readonly fix: RegExp;
  readonly line?: number;
  readonly flags?: ConfigFlags;
  readonly env?: ConfigEnv;
}

/** One problem, at this place, with this fix: nothing follows from it that would only confuse. */
export function expectOnly({ file, path, problem, fix, line, flags, env }: Broken): void {
  const problems = problemsOf(file, flags, env);
  expect(problems.map((found) => found.path)).toEqual([path]);
  expect(problems[0]?.problem).toMatch(problem);
  expect(problems[0]?.fix).toMatch(fix);
  expect(problems[0]?.line).toBe(line);
}

export function problemsOf(text: string, flags: ConfigFlags = {}, env: ConfigEnv = {}): readonly Problem[] {
  try {
    loadConfig({ file: "forge.toml", flags, env, readFile: () => text });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}
