import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { type Answers, AnswersError, DEFAULT_ANSWERS, readAnswers } from "../../migrate/answers";
import { countByStatus } from "../../migrate/emit/report";
import { CODES, type Code } from "../../migrate/ledger/codes";
import { isAtLeast, type LedgerEntry, SEVERITIES, type Severity } from "../../migrate/ledger/entry";
import { migrate, type Migration } from "../../migrate/migrate";
import { type NomadJudge, verifyJobs } from "../../migrate/verify";
import { HttpJson } from "../../clients/http-json";
import { readSources, type SourceDisk, STANDARD_INPUT } from "../../migrate/reader/read-sources";
import type { CliContext, Register } from "../context";
import { EXIT } from "../exit-code";
import { CliError } from "../failure";

interface MigrateOptions {
  readonly out?: string;
  readonly nomad?: string;
  readonly answers?: string;
  /** True: of warning. */
  readonly strict?: true | string;
}

export const register: Register = (command, context) => {
  command
    .argument("<paths...>", "manifests: files, folders, or - for the standard input")
    .option("--out <dir>", "folder to write into")
    .option("--nomad <url>", "for `migrate verify DIR`: who looks at the jobs (default: NOMAD_ADDR)")
    .option("--answers <file>", "TOML with what manifests do not say; see docs/leaving-kubernetes.md")
    .option("--strict [severity]", "exit 1 where an entry is at least this severe: info, warning (default) or error")
    .addHelpText(
      "after",
      "\nTurns Kubernetes manifests into Nomad jobs and says of every value what became of it: REPORT.md for people,\nledger.json for programs. Nothing is changed in any cluster.\n\n`forge migrate verify DIR` has Nomad look at what was written: each job is valid, and its HCL says what its JSON says.",
    )
    .action((paths: readonly string[], options: MigrateOptions) =>
      paths[0] === "verify" ? verify(paths.slice(1), options, context) : run(paths, options, context),
    );
};

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

async function verify(paths: readonly string[], options: MigrateOptions, context: CliContext): Promise<void> {
  const { cwd, env } = context.io;
  const [out] = paths;
  if (out === undefined || paths.length > 1)
    throw new CliError("usage", EXIT.badInput, "verify looks at one folder", "forge migrate verify DIR");
  const folder = join(resolve(cwd, out), "jobs");
  const address = options.nomad ?? env["NOMAD_ADDR"];
  if (address === undefined)
    throw new CliError("usage", EXIT.badInput, "which Nomad looks at the jobs?", "--nomad URL, or NOMAD_ADDR");
  if (!existsSync(folder))
    throw new CliError("notFound", EXIT.badInput, `${out} has no jobs/`, "run forge migrate first");
  const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  const jobs = names.sort().map((name) => {
    const file = `jobs/${name.slice(0, -".json".length)}`;
    const text = (suffix: string): string => readFileSync(join(folder, "..", `${file}${suffix}`), "utf8");
    return { file, hcl: text(".nomad.hcl"), json: text(".json") };
  });
  const findings = await verifyJobs(jobs, nomadJudge(address, env["NOMAD_TOKEN"]));
  if (findings.length > 0) context.exitCode = EXIT.failed;
  context.print({ jobs: jobs.length, findings }, () => [
    ...findings.map(({ file, problem }) => `${file}: ${problem}`),
    `${jobs.length} jobs before ${address}, ${findings.length} findings`,
  ]);
}

function nomadJudge(address: string, token: string | undefined): NomadJudge {
  const http = new HttpJson({ address, name: "Nomad", ...(token && { headers: () => ({ "x-nomad-token": token }) }) });
  return {
    validate: async (body) =>
      (await http.json<{ readonly Error?: string }>("PUT", "/v1/validate/job", { body })).Error ?? "",
    parse: (hcl) => http.json("PUT", "/v1/jobs/parse", { body: { JobHCL: hcl, Canonicalize: false } }),
  };
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
    `${converted.jobs.length} jobs and ${converted.experiences.length} experiences of ${ledger.length} values:`,
    `  ${Object.entries(counts)
      .map(([status, count]) => `${count} ${status}`)
      .join(", ")}`,
    ...[...errors]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([code, count]) => `  error ${code} (${count}): ${CODES[code as Code].remedy}`),
    `wrote ${out}; read ${join(out, "REPORT.md")} first`,
  ];
}
