import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { type Answers, AnswersError, DEFAULT_ANSWERS, readAnswers } from "../../migrate/answers";
import { countByStatus } from "../../migrate/emit/report";
import { CODES, type Code } from "../../migrate/ledger/codes";
import { isAtLeast, type LedgerEntry, SEVERITIES, type Severity } from "../../migrate/ledger/entry";
import { migrate, type Migration } from "../../migrate/migrate";
import { readSources, type SourceDisk, STANDARD_INPUT } from "../../migrate/reader/read-sources";
import type { CliContext, Register } from "../context";
import { EXIT } from "../exit-code";
import { CliError } from "../failure";
import { verify, type VerifyOptions } from "../migrate-verify";
import { formatCount } from "../format";

interface MigrateOptions extends VerifyOptions {
  readonly out?: string;
  readonly answers?: string;
  /** True: of warning. */
  readonly strict?: true | string;
}

export const register: Register = (command, context) => {
  command
    .argument("<paths...>", "manifests: files, folders, or - for the standard input")
    .option("--out <dir>", "folder to write into")
    .option("--answers <file>", "TOML with what manifests do not say; see docs/leaving-kubernetes.md")
    .option("--strict [severity]", "exit 1 where an entry is at least this severe: info, warning (default) or error")
    .option("--nomad <url>", "verify: who looks at the jobs (default: NOMAD_ADDR; without one Forge's own rules)")
    .option("--run", "verify: starts the jobs there, waits for their checks, compares, and ends them again")
    .option("--within <seconds>", "verify --run: how long a job may take until it is well (default: 120)")
    .option("--source <service=url>", "verify --run: where the old cluster answers for a service; repeatable", collect)
    .option("--path <path>", "verify --run: what is asked at both, / unless set; repeatable", collect)
    .option("--keep", "verify --run: leaves the jobs running")
    .addHelpText(
      "after",
      "\nTurns Kubernetes manifests into Nomad jobs and says of every value what became of it: REPORT.md for people,\nledger.json for programs. Nothing is changed in any cluster.\n\n`forge migrate verify DIR` looks at what was written: each job keeps Nomad's rules, its HCL says what its JSON says,\nand its files come to the bytes of their ConfigMaps.",
    )
    .action((paths: readonly string[], options: MigrateOptions) =>
      paths[0] === "verify" ? verify(paths.slice(1), options, context) : run(paths, options, context),
    );
};

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function run(paths: readonly string[], options: MigrateOptions, context: CliContext): void {
  const { cwd } = context.io;
  const { out } = options;
  if (out === undefined) throw new CliError("usage", EXIT.badInput, "where to?", "name a folder with --out DIR");
  const least = strictness(options.strict);
  const answers = answersOf(options.answers, cwd);
  const folder = resolve(cwd, out);
  refuseOthersFolder(folder, out);

  const sources = readSources(
    paths.map((path) => nameOf(path, cwd)),
    diskBelow(cwd),
  );
  const migration = migrate(sources, answers);
  for (const [file, text] of migration.files) {
    const to = join(folder, file);
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, text);
  }

  const counted = migration.ledger.filter(({ code }) => !answers.suppress.includes(code));
  const failing = least === undefined ? [] : counted.filter(({ severity }) => isAtLeast(severity, least));
  if (failing.length > 0) context.exitCode = EXIT.failed;
  if (sources.unread.length > 0) context.exitCode = EXIT.badInput;
  const summary = {
    out: folder,
    values: migration.ledger.length,
    statuses: countByStatus(migration.ledger),
    severities: countBySeverity(counted),
    jobs: migration.converted.jobs.map(({ job }) => `${job.namespace}/${job.id}`),
    experiences: migration.converted.experiences.map(({ id }) => id),
    refused: sources.unread.map(({ file, doc, line, column, code, detail }) => ({
      file,
      doc,
      line,
      column,
      code,
      detail,
    })),
    files: [...migration.files.keys()],
  };
  context.print(summary, () => lines(migration, counted, summary.refused, out));
}

function strictness(strict: MigrateOptions["strict"]): Severity | undefined {
  if (strict === undefined) return undefined;
  if (strict === true) return "warning";
  const severity = SEVERITIES.find((each) => each === strict);
  if (severity !== undefined) return severity;
  throw new CliError("usage", EXIT.badInput, `--strict takes ${SEVERITIES.join(", ")}, not "${strict}"`);
}

function answersOf(file: string | undefined, cwd: string): Answers {
  if (file === undefined) return DEFAULT_ANSWERS;
  let text: string;
  try {
    text = readFileSync(resolve(cwd, file), "utf8");
  } catch {
    throw new CliError("answersInvalid", EXIT.badInput, `${file} cannot be read`);
  }
  try {
    return readAnswers(text, file);
  } catch (error) {
    if (!(error instanceof AnswersError)) throw error;
    throw new CliError("answersInvalid", EXIT.badInput, error.message, "docs/leaving-kubernetes.md has every answer");
  }
}

/** Files of a run before are written over; those of anybody else are not mixed with. */
function refuseOthersFolder(folder: string, out: string): void {
  if (!existsSync(folder)) return;
  const names = statSync(folder).isDirectory() ? readdirSync(folder) : undefined;
  if (names !== undefined && (names.length === 0 || names.includes("ledger.json"))) return;
  throw new CliError(
    "exists",
    EXIT.badInput,
    `${out} is there and was not written by forge migrate`,
    "name a new folder",
  );
}

/** As it is told in the ledger: the same wherever the manifests lie, if they are named from there. */
function nameOf(path: string, cwd: string): string {
  if (path === STANDARD_INPUT) return path;
  return relative(cwd, resolve(cwd, path)) || ".";
}

function diskBelow(cwd: string): SourceDisk {
  return {
    stat(path) {
      const stat = statSync(resolve(cwd, path), { throwIfNoEntry: false });
      return stat === undefined ? undefined : { isDirectory: stat.isDirectory(), bytes: stat.size };
    },
    list: (path) => readdirSync(resolve(cwd, path)),
    read: (path) => readFileSync(resolve(cwd, path)),
    readInput: () => readFileSync(0),
  };
}

function countBySeverity(ledger: readonly LedgerEntry[]): Readonly<Record<Severity, number>> {
  const counts = { info: 0, warning: 0, error: 0 };
  for (const { severity } of ledger) counts[severity] += 1;
  return counts;
}

function lines(
  { ledger, converted }: Migration,
  counted: readonly LedgerEntry[],
  refused: readonly {
    readonly file: string;
    readonly line: number;
    readonly column: number;
    readonly detail: string;
  }[],
  out: string,
): readonly string[] {
  const counts = countByStatus(ledger);
  const errors = new Map<string, number>();
  for (const { code, severity } of counted) if (severity === "error") errors.set(code, (errors.get(code) ?? 0) + 1);
  return [
    ...refused.map(({ file, line, column, detail }) => `refused ${file}:${line}:${column}: ${detail}`),
    `${formatCount(converted.jobs.length, "job")} and ${formatCount(converted.experiences.length, "experience")} of ${formatCount(ledger.length, "value")}:`,
    `  ${Object.entries(counts)
      .map(([status, count]) => `${count} ${status}`)
      .join(", ")}`,
    ...[...errors]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([code, count]) => `  error ${code} (${count}): ${CODES[code as Code].remedy}`),
    `wrote ${out}; read ${join(out, "REPORT.md")} first`,
  ];
}
