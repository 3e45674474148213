import { parseArgs } from "node:util";

export interface ChaosOptions {
  /** Decides which faults strike, on whom and for how long. */
  readonly seed: number;
  /** How long faults go on; the time until all is well again comes after it. */
  readonly minutes: number;
  readonly regions: number;
  readonly bots: number;
  /** Only faults whose names begin so; all where there are none. */
  readonly only: readonly string[];
  readonly json: boolean;
  /** Where logs and journals are left; else they go with the run. */
  readonly keep: string | undefined;
}

export const USAGE = `usage: npm run chaos -- [--seed N] [--minutes N] [--regions 1|2] [--bots N] [--only FAULT,…] [--json] [--keep FOLDER]

Starts a whole run on this machine: controllers, agents, gates and game servers as processes, real Consul where it is
installed, players. Then faults strike as the seed says, and what Forge promises is looked after. See docs/chaos.md.
With --on nodes on machines of Nomad, with --on nomad in a region that was deployed: those take options of their own.
Exit code: 0 no promise broken, 1 one was, 2 wrong options, 130 stopped by Ctrl-C.`;

/** @throws {Error} naming the option, what it was and what it may be */
export function readOptions(argv: readonly string[], randomSeed: () => number): ChaosOptions {
  const text = { type: "string" as const };
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seed: text,
      minutes: text,
      regions: text,
      bots: text,
      only: text,
      keep: text,
      json: { type: "boolean" },
    },
    strict: true,
  });
  return {
    seed: number("seed", values.seed, { least: 0, most: 2 ** 32 - 1, whole: true }) ?? randomSeed(),
    minutes: number("minutes", values.minutes, { least: 0.1, most: 24 * 60 }) ?? 5,
    regions: number("regions", values.regions, { least: 1, most: 2, whole: true }) ?? 2,
    bots: number("bots", values.bots, { least: 1, most: 200, whole: true }) ?? 16,
    only: (values.only ?? "").split(",").filter((name) => name !== ""),
    json: values.json ?? false,
    keep: values.keep,
  };
}

interface Bounds {
  readonly least: number;
  readonly most: number;
  readonly whole?: boolean;
}

function number(name: string, given: string | undefined, { least, most, whole = false }: Bounds): number | undefined {
  if (given === undefined) return undefined;
  const value = given.trim() === "" ? NaN : Number(given);
  if (value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
  throw new Error(`--${name} is "${given}": expected a ${whole ? "whole " : ""}number from ${least} to ${most}`);
}
