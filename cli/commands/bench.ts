import { existsSync } from "node:fs";
import { cpus, homedir, loadavg, totalmem } from "node:os";
import { join } from "node:path";
import { InvalidArgumentError } from "commander";
import { forgeCache } from "../../infra/programs";
import { errorMessage } from "../error-code";
import { BENCHMARKS, reached, type Benchmark, type Need, type Row } from "../bench/rows";
import { commandOf, runBenchmark, type Figures } from "../bench/run-benchmark";
import type { CliContext, Register } from "../context";
import { EXIT } from "../exit-code";
import { CliError } from "../failure";
import { several } from "../numbers";
import { renderTable } from "../table";

interface Outcome extends Row {
  readonly benchmark: string;
  readonly command: string;
  /** Undefined where it was not measured; then `why` says so. */
  readonly value: number | undefined;
  /** Of the target; for times and memory less than 1 is better, for rates more. */
  readonly ratio: number | undefined;
  readonly reached: boolean | undefined;
  readonly why: string | undefined;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const NAMES = BENCHMARKS.map(({ name }) => name);

export const register: Register = (command, context) => {
  command
    .option("--only <names>", `only these: ${NAMES.join(", ")}`, names)
    .addHelpText(
      "after",
      "\nRuns the benchmarks of a checkout, one after the other (half an hour or more), each beside a bare peer where there is one,\n" +
        "and prints figure, target, what the document says and the best known elsewhere. Times hang on what else the machine\n" +
        "does. Ctrl-C ends it with what there is by then. Exit code 1 where a benchmark failed or was ended, none where a\n" +
        "target is missed. What each takes at most:\n" +
        BENCHMARKS.map(({ name, withinSecs }) => `  ${name.padEnd(18)} ${withinSecs / 60} minutes`).join("\n"),
    )
    .action((options: { readonly only?: readonly string[] }) => run(context, options.only ?? NAMES));
};

async function run(context: CliContext, only: readonly string[]): Promise<void> {
  const { home } = context.io;
  const benchmarks = BENCHMARKS.filter(({ name }) => only.includes(name));
  if (!existsSync(join(home, "bench")))
    throw new CliError(
      "noBenchmarks",
      EXIT.notFound,
      "the benchmarks are part of the source, not of the published package",
      "clone the repository, run npm ci there, then npx forge bench",
    );
  const machine = machineOf();
  context.note(machine);
  const outcomes: Outcome[] = [];
  const ending = new AbortController();
  const end = (): void => ending.abort();
  for (const signal of SIGNALS) process.on(signal, end);
  try {
    for (const [at, benchmark] of benchmarks.entries()) {
      if (!ending.signal.aborted) context.note(`${at + 1} of ${benchmarks.length}: ${commandOf(benchmark)}`);
      outcomes.push(...(await measured(benchmark, context, ending.signal)));
    }
  } finally {
    for (const signal of SIGNALS) process.off(signal, end);
  }
  context.print({ machine, rows: outcomes }, () => [machine, "", ...lines(outcomes, context)]);
}

/** A benchmark that cannot run, or fails, leaves its rows without figures and with the reason. */
async function measured(benchmark: Benchmark, context: CliContext, signal: AbortSignal): Promise<Outcome[]> {
  const { env, home: repository } = context.io;
  const missing = benchmark.needs.filter((need) => !has(need, env));
  if (missing.length > 0) return outcomes(benchmark, undefined, `needs ${missing.join(" and ")}`);
  const onLine = (line: string): void => context.note(`  ${line}`);
  try {
    if (signal.aborted) throw new Error("not begun: it was ended before");
    return outcomes(
      benchmark,
      await runBenchmark(benchmark, { repository, env: process.env, onLine, signal }),
      undefined,
    );
  } catch (error) {
    context.exitCode = EXIT.failed;
    const why = errorMessage(error);
    if (!signal.aborted) context.note(`  ${why}`);
    return outcomes(benchmark, undefined, why);
  }
}

function outcomes(benchmark: Benchmark, figures: Figures | undefined, why: string | undefined): Outcome[] {
  return benchmark.rows.map((row) => {
    const value = figures?.get(row.figure)?.[row.field];
    return {
      ...row,
      benchmark: benchmark.name,
      command: commandOf(benchmark),
      value,
      ratio: value === undefined || !row.target ? undefined : value / row.target,
      reached: value === undefined ? undefined : reached(row, value),
      why: why ?? (value === undefined ? "the benchmark told no such figure" : undefined),
    };
  });
}

function has(need: Need, env: NodeJS.ProcessEnv): boolean {
  if (need === "root") return process.getuid?.() === 0;
  const folders = [...(env["PATH"] ?? "").split(":"), join(forgeCache(env, homedir()), "bin")];
  return folders.some((folder) => folder !== "" && existsSync(join(folder, need)));
}

function lines(outcomes: readonly Outcome[], context: CliContext): string[] {
  const table = renderTable<Outcome>(
    [
      { title: "what", cell: ({ what }) => what },
      { title: "figure", align: "right", cell: ({ value, unit }) => (value === undefined ? "–" : shown(value, unit)) },
      {
        title: "target",
        align: "right",
        cell: ({ target, unit }) => (target === undefined ? "" : shown(target, unit)),
      },
      { title: "of it", align: "right", cell: ({ ratio }) => (ratio === undefined ? "" : ratio.toPrecision(2)) },
      { title: "reached", cell: ({ reached: is }) => (is === undefined ? "" : is ? "yes" : "no") },
      { title: "document", cell: ({ document }) => document },
      { title: "elsewhere", cell: ({ elsewhere }) => elsewhere },
    ],
    outcomes,
    { paintTitle: context.paints.dim },
  );
  const commands = [...new Set(outcomes.map(({ command }) => command))].map((command) => `  ${command}`);
  const gaps = [
    ...new Set(outcomes.flatMap(({ benchmark, why }) => (why === undefined ? [] : [`${benchmark}: ${why}`]))),
  ];
  return [
    ...table,
    "",
    "measured by",
    ...commands,
    ...(gaps.length > 0 ? ["", "not measured", ...gaps.map((gap) => `  ${gap}`)] : []),
  ];
}

function shown(value: number, unit: Row["unit"]): string {
  const digits = unit === "" && !Number.isInteger(value) ? 2 : unit === "MiB" && value < 100 ? 1 : 0;
  const number = value.toFixed(digits).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  return unit === "ms" || unit === "MiB" ? `${number} ${unit}` : `${number}${unit}`;
}

function machineOf(): string {
  const processors = cpus();
  const load = loadavg()[0]?.toFixed(1) ?? "unknown";
  const gib = Math.round(totalmem() / 2 ** 30);
  return `${processors.length} cores (${processors[0]?.model.trim() ?? "unknown"}), ${gib} GiB, Node ${process.version}, load average ${load}`;
}

function names(text: string, before?: readonly string[]): readonly string[] {
  const given = several(text, before);
  const unknown = given.filter((name) => !NAMES.includes(name));
  if (unknown.length > 0)
    throw new InvalidArgumentError(`There is no ${unknown.join(", ")}; there are ${NAMES.join(", ")}.`);
  return given;
}
