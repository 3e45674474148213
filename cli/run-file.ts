import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { z } from "zod";
import { processIsThere } from "../infra/embedded/process-age";
import { type RegionRecord, runFileSchema, runningRegions } from "../infra/embedded/region-record";
import { errorCode, errorMessage } from "./error-code";

/** Folder of a local run's files, beside the forge.toml it was started with. */
export const RUN_FOLDER = ".forge";
const RUN_FILE = "run.json";

/** How commands find the run of this folder, and may act on it. Its file is readable by its owner alone. */
export type RunFile = Readonly<z.output<typeof runFileSchema>>;

/** What is there is no run file; says what to do about it. */
export class RunFileError extends Error {
  constructor(
    readonly file: string,
    problem: string,
  ) {
    super(`${file} ${problem}`);
    this.name = "RunFileError";
  }
}

export interface FoundRun {
  readonly file: string;
  readonly run: RunFile;
  /** Regions that were deployed one by one, each a process; none for `forge up`, which is one for all. */
  readonly deployed: readonly RegionRecord[];
}

/** Path of the run file of the folder that holds `.forge`. */
export function runFilePath(folder: string): string {
  return join(folder, RUN_FOLDER, RUN_FILE);
}

/**
 * The run of `from` or of the nearest folder above it that has one: what `forge up` wrote there, or the regions that a
 * deploy has started; undefined where none has. The run itself may have ended since: ask `isRunning`.
 * @throws {RunFileError} where the nearest one cannot be read
 */
export function findRunFile(from: string): FoundRun | undefined {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const file = runFilePath(folder);
    const run = readRunFile(file);
    if (run !== undefined && isRunning(run)) return { file, run, deployed: [] };
    const deployed = deployedRun(folder);
    if (deployed !== undefined) return deployed;
    if (run !== undefined) return { file, run, deployed: [] };
    if (dirname(folder) === folder) return undefined;
  }
}

/** Its regions share the key of tokens and pass calls on to each other: one run, in several processes. */
function deployedRun(folder: string): FoundRun | undefined {
  const deployed = runningRegions(folder);
  const [first] = deployed;
  if (first === undefined) return undefined;
  const regions = Object.fromEntries(deployed.flatMap((record) => Object.entries(record.regions)));
  return { file: join(folder, RUN_FOLDER, "embedded"), run: { ...first, regions }, deployed };
}

/** @throws {RunFileError} where it is there and cannot be read */
export function readRunFile(file: string): RunFile | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new RunFileError(
      file,
      `cannot be read (${code ?? errorMessage(error)}): it belongs to whoever started that run`,
    );
  }
  const parsed = runFileSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues;
  const place = first === undefined || first.path.length === 0 ? "" : `${first.path.join(".")}: `;
  throw new RunFileError(
    file,
    `is not a run file (${place}${first?.message ?? "not JSON"}): end that run and remove it`,
  );
}

/** Appears whole or not at all, with mode 0600 from its first moment. */
export function writeRunFile(folder: string, run: RunFile): string {
  const file = runFilePath(folder);
  mkdirSync(dirname(file), { recursive: true });
  const partial = `${file}.${randomBytes(6).toString("hex")}.partial`;
  try {
    writeFileSync(partial, `${JSON.stringify(runFileSchema.parse(run), null, 2)}\n`, { mode: 0o600, flag: "wx" });
    // A umask can only take rights away; this gives back what the owner needs.
    chmodSync(partial, 0o600);
    renameSync(partial, file);
  } finally {
    rmSync(partial, { force: true });
  }
  return file;
}

/** Takes the file away, unless another run has written its own there meanwhile. */
export function removeRunFile(folder: string, runId: string): void {
  const file = runFilePath(folder);
  if (readRunFile(file)?.runId === runId) rmSync(file, { force: true });
}

/** Whether the process that owns the run is there, and not another one that got its number. */
export function isRunning({ pid, startedAtMs }: Pick<RunFile, "pid" | "startedAtMs">): boolean {
  return processIsThere(pid, startedAtMs);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
