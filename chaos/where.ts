import { parseArgs } from "node:util";

export const PLACES = ["embedded", "nodes", "nomad"] as const;
/** Where faults strike: a run on this machine, machines of Nomad on a network of their own, or a region that was deployed here. */
export type Place = (typeof PLACES)[number];

/**
 * Takes `--on` out of the arguments; the others are for the place.
 * @throws {Error} naming what it was and what it may be
 */
export function whereOf(argv: readonly string[]): { readonly on: Place; readonly rest: readonly string[] } {
  const at = argv.findIndex((arg) => arg === "--on" || arg.startsWith("--on="));
  if (at < 0) return { on: "embedded", rest: argv };
  const isApart = argv[at] === "--on";
  const given = isApart ? argv[at + 1] : argv[at]?.slice("--on=".length);
  const on = PLACES.find((place) => place === given);
  if (on === undefined) throw new Error(`--on is "${given ?? ""}": expected one of ${PLACES.join(", ")}`);
  return { on, rest: argv.toSpliced(at, isApart ? 2 : 1) };
}

/**
 * What `test/cluster/nomad-chaos.test.ts` is told by, which takes no arguments.
 * @throws {Error} for an option that it has not
 */
export function nomadEnv(argv: readonly string[]): Readonly<Record<string, string>> {
  const text = { type: "string" as const };
  const { values } = parseArgs({ args: [...argv], options: { seed: text, minutes: text, only: text } });
  if (values.minutes !== undefined && !(Number(values.minutes) > 0))
    throw new Error(`--minutes is "${values.minutes}": expected a number above 0`);
  return {
    FORGE_LONG_TESTS: "1",
    ...(values.seed === undefined ? {} : { FORGE_CHAOS_SEED: values.seed }),
    ...(values.minutes === undefined ? {} : { FORGE_CHAOS_MINUTES: values.minutes }),
    ...(values.only === undefined ? {} : { FORGE_CHAOS_ONLY: values.only }),
  };
}
