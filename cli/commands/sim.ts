import { InvalidArgumentError } from "commander";
import type { SimCase } from "../../sim/run";
import type { CliContext, Register } from "../context";
import { EXIT } from "../exit-code";
import { wholeNumber } from "../numbers";

interface SimOptions {
  readonly seed?: number;
  readonly only?: readonly number[];
  readonly from: number;
  readonly seeds: number;
  readonly steps?: number;
  readonly cells?: boolean;
  readonly plain?: boolean;
  readonly log: number;
}

const NOTE_EACH = 50;
const USUAL_STEPS = 500;
const MOST = 1_000_000_000;

export const register: Register = (command, context) => {
  command
    .option("--seeds <count>", "how many seeds", wholeNumber(1, MOST), 100)
    .option("--from <seed>", "the first of them", wholeNumber(0, MOST), 0)
    .option(
      "--steps <count>",
      "delivered messages a seed, until its faults stop; 500 if not given",
      wholeNumber(1, MOST),
    )
    .option("--cells", "each seed: every kind of fault at every kind of message, once; takes about 10,000 steps")
    .option(
      "--plain",
      "a world without rollouts, allocations, drains of nodes and changes of sizes: for the cases of its time",
    )
    .option("--seed <seed>", "one seed again, with what happened in it", wholeNumber(0, MOST))
    .option("--only <faults>", "of that seed's faults only these, by number; none: no fault at all", places)
    .option("--log <lines>", "of a seed that fails: so many of its last messages", wholeNumber(0, 4000), 40)
    .addHelpText(
      "after",
      "\nReal controllers, agents and messages in virtual time, with crashes, cuts, delays, full disks and lies, and the\n" +
        "promises checked after each step. The same seed gives the same run. Exit code 1 where a promise was broken.",
    )
    .action((options: SimOptions) => run(options, context));
};

async function run(options: SimOptions, context: CliContext): Promise<void> {
  const { seed, only, cells = false, plain = false } = options;
  const { CELL_STEPS } = await import("../../sim/fault");
  const steps = options.steps ?? (cells ? CELL_STEPS : USUAL_STEPS);
  if (seed === undefined) return runSeeds(options, steps, context);
  await runOne({ seed, steps, only, cells, plain }, options.log, context);
}

async function runSeeds(
  { from, seeds, cells = false, plain = false }: SimOptions,
  steps: number,
  context: CliContext,
): Promise<void> {
  const { commandOf, runSuite } = await import("../../sim/suite");
  const startedAtMs = context.io.now();
  const result = await runSuite({
    from,
    seeds,
    steps,
    cells,
    plain,
    onSeed: (seed) => {
      if ((seed - from + 1) % NOTE_EACH === 0) context.note(`${seed - from + 1} of ${seeds} seeds`);
    },
  });
  const tookMs = context.io.now() - startedAtMs;
  const failures = result.failures.map((failure) => ({ ...failure, again: commandOf(failure.shrunk ?? failure.of) }));
  if (failures.length > 0) context.exitCode = EXIT.failed;
  const { virtualMs, faults } = result;
  const empty = result.table.empty();
  context.print({ seeds, steps: result.steps, faults, virtualMs, tookMs, emptyCells: empty, failures }, () => [
    result.table.toString(),
    "",
    `${seeds} seeds, ${result.steps} steps, ${faults} faults, ${Math.round(virtualMs / 1000)} virtual seconds in ${Math.round(tookMs / 1000)} s`,
    ...notMet(empty, cells),
    ...failures.flatMap(({ of, promise, check, evidence, again }) => [
      "",
      `seed ${of.seed} broke ${promise}, ${check}: ${evidence}`,
      `again: ${again}`,
    ]),
    ...(failures.length === 0 ? ["every promise was kept"] : []),
  ]);
}

/** Seeds that were not asked to meet all of them leave most of the table empty, and the table shows which. */
function notMet(empty: readonly string[], cells: boolean): readonly string[] {
  if (empty.length === 0) return [];
  return cells
    ? [`not met: ${empty.join(", ")}`]
    : [`not met: ${empty.length} of the table's cells; --cells meets all`];
}

async function runOne(of: SimCase, lines: number, context: CliContext): Promise<void> {
  const { runCase } = await import("../../sim/run");
  const { describeFault } = await import("../../sim/fault");
  const { faults, struck, violations, recent, steps, virtualMs, trace } = await runCase(of);
  if (violations.length > 0) context.exitCode = EXIT.failed;
  context.print({ ...of, faults, struck, steps, virtualMs, trace, violations }, () => [
    ...struck.map((fault) => `fault ${faults.indexOf(fault)}: ${describeFault(fault)}`),
    ...(violations.length > 0 && lines > 0 ? ["", ...recent.slice(-lines), ""] : []),
    ...violations.map(
      ({ promise, check, evidence, step, atMs }) => `${promise}, ${check}, at step ${step} (${atMs} ms): ${evidence}`,
    ),
    `${steps} steps, ${Math.round(virtualMs / 1000)} virtual seconds, trace ${trace.toString(16)}` +
      (violations.length === 0 ? ": every promise was kept" : ""),
  ]);
}

/** `0,3,4` or `none`. */
function places(text: string): readonly number[] {
  if (text === "none") return [];
  const numbers = text.split(",").map(Number);
  if (numbers.every((place) => Number.isInteger(place) && place >= 0)) return numbers;
  throw new InvalidArgumentError("It must be numbers of faults with commas between them, or none.");
}
