import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname } from "node:path";
import { forgeCache } from "../../infra/programs";
import { interpolate } from "../../controller/adapters/embedded/interpolate";
import type { LookupPlace } from "../../controller/adapters/embedded/program-lookup";
import type { CliContext, Register } from "../context";
import type { Check } from "../doctor/check";
import { configChecks } from "../doctor/config-checks";
import { machineChecks } from "../doctor/machine-checks";
import { programChecks, programsToGet, type ProgramFinder } from "../doctor/program-checks";
import { thisMachine, thisMachinesPrograms } from "../doctor/this-machine";
import { errorCode } from "../error-code";
import { EXIT } from "../exit-code";
import { folderOf } from "../global-options";
import type { Paints } from "../paint";
import { findRunFile } from "../run-file";
import { renderTable } from "../table";

export const register: Register = (command, context) => {
  command
    .option(
      "--get",
      "fetch programs that are missing or too old into Forge's cache: official releases, checksum verified",
    )
    .addHelpText("after", "\nExit code 1 where something is missing that the forge.toml needs, else 0.")
    .action((options: { readonly get?: boolean }) => run(context, options.get === true));
};

async function run(context: CliContext, get: boolean): Promise<void> {
  const programs = thisMachinesPrograms(context.io.env);
  if (get) await getMissing(programs, context);
  const lookup = lookupOf(context);
  const machine = thisMachine(lookup);
  const checks = [
    ...machineChecks(machine),
    ...(await programChecks(programs)),
    ...(await checksOfConfig(context, lookup)),
  ];
  const ok = checks.every(({ status }) => status !== "problem");
  context.print({ ok, checks }, () => lines(checks, context));
  if (!ok) context.exitCode = EXIT.failed;
}

async function getMissing(programs: ProgramFinder, context: CliContext): Promise<void> {
  const { getPrograms } = await import("../doctor/get-programs");
  const { arch, platform } = process;
  const { env } = context.io;
  const place = { cache: forgeCache(env, homedir()), platform, arch, base: env["FORGE_RELEASES"] };
  await getPrograms(await programsToGet(programs), place, (line) => context.note(line));
}

async function checksOfConfig(context: CliContext, lookup: LookupPlace): Promise<readonly Check[]> {
  const { loadConfig } = await import("../../config/load");
  const { ConfigError } = await import("../../config/problem");
  const file = context.configFile;
  const { env } = context.io;
  try {
    const { config } = loadConfig({ file, env, readFile: (path) => readFileSync(path, "utf8") });
    const own: Check = { name: "forge.toml", status: "ok", detail: file };
    const { clusterChecks } = await import("../doctor/cluster-checks");
    const clusters = config.regions.map((region) => clusterChecks(region, dirname(file), env));
    return [
      own,
      ...(await configChecks(config, { lookup, ownPorts: ownPorts(context) }, thisMachine(lookup))),
      ...(await Promise.all(clusters)).flat(),
    ];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [fileCheck(file, error.problems.length, context)];
  }
}

/** Without a forge.toml nothing is needed; one that was named must be there. */
function fileCheck(file: string, problems: number, { options }: CliContext): Check {
  const name = "forge.toml";
  if (options.config === undefined && !isThere(file)) {
    return { name, status: "absent", detail: `none in this folder; \`forge init\` writes one` };
  }
  const detail = isThere(file)
    ? `${file} has ${problems === 1 ? "1 problem" : `${problems} problems`}`
    : `there is no ${file}`;
  return { name, status: "problem", detail, fix: "`forge config check` says what is wrong" };
}

function isThere(file: string): boolean {
  try {
    readFileSync(file);
    return true;
  } catch (error) {
    return errorCode(error) !== "ENOENT";
  }
}

/** As the embedded engine looks programs up for servers. */
function lookupOf({ io, configFile }: CliContext): LookupPlace {
  return {
    path: io.env["PATH"] ?? "",
    baseDir: dirname(configFile),
    node: process.execPath,
    fill: (text) => interpolate(text, { FORGE_HOME: io.home }).text,
  };
}

function ownPorts({ io, options }: CliContext): ReadonlySet<number> {
  try {
    const run = findRunFile(folderOf(options, io.cwd))?.run;
    return new Set(
      run === undefined ? [] : [run.url, ...Object.values(run.regions)].map((url) => Number(new URL(url).port)),
    );
  } catch {
    return new Set();
  }
}

const MARKS = { ok: "ok", absent: "-", limited: "limited", problem: "MISSING" } as const;

function lines(checks: readonly Check[], { paints }: CliContext): readonly string[] {
  const table = renderTable<Check>(
    [
      { title: "", cell: ({ status }) => ({ text: MARKS[status], paint: paintOf(status, paints) }) },
      { title: "WHAT", cell: ({ name }) => name },
      { title: "FOUND", cell: ({ detail }) => detail },
    ],
    checks,
    { paintTitle: paints.dim },
  );
  const fixes = checks.flatMap(({ name, fix }) => (fix === undefined ? [] : [`${name}: ${fix}`]));
  return fixes.length === 0 ? table : [...table, "", ...fixes];
}

function paintOf(status: Check["status"], paints: Paints): (text: string) => string {
  return { ok: paints.green, absent: paints.dim, limited: paints.yellow, problem: paints.red }[status];
}
