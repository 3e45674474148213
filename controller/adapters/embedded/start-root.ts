import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { RootClient, RootUnreachable } from "./root-client";
import { makeRootFolders, rootFiles, type RootFiles, type RootRecord } from "./root-files";
import { LimitGroups } from "./root/limit-groups";
import { planLimits } from "./limits";
import { send, sweepRun, type SweepResult } from "./sweep";

export interface StartRootOptions {
  /** Sockets, state and logs of the run; made if missing, 0700. One root at a time. */
  readonly runDir: string;
  /** Root outlives this process and ends only when it is asked to (`RootClient.shutdown`). */
  readonly detach?: boolean;
  /** The bundled root program; default: `root.js` beside the running program. */
  readonly script?: string;
}

/** The root process that this process started. */
export interface RootHandle {
  readonly runId: string;
  readonly pid: number;
  readonly socketPath: string;
  readonly secret: string;
  /** Resolves when root is gone, by whatever way, and nothing that it started is left. */
  readonly ended: Promise<RootEnd>;
  /**
   * Stops everything, then root. Servers get what their stop asks for, `graceSecs` at most.
   * Resolves like `ended`.
   */
  close(graceSecs?: number): Promise<RootEnd>;
}

export interface RootEnd {
  /** False where root was killed or crashed. */
  readonly inOrder: boolean;
  /** Processes that outlived root and had to be killed. */
  readonly swept: readonly number[];
  /** Processes that are there in spite of everything. */
  readonly left: readonly number[];
}

const READY_WITHIN_MS = 15_000;
const CLOSE_GRACE_SECS = 10;
/** Beyond the grace period: to kill, sweep and exit. */
const CLOSE_SLACK_MS = 8_000;

/**
 * Starts the root process of a run. Unless detached it holds the other end of a pipe to this process: when this process
 * ends, by whatever way, root stops everything it started and ends too.
 *
 * @throws {Error} where the run folder has a root already, or root cannot start; the message says what to do
 */
export async function startRoot(options: StartRootOptions): Promise<RootHandle> {
  const { runDir, detach = false, script = join(__dirname, "root.js") } = options;
  const files = rootFiles(runDir);
  makeRootFolders(files);
  await clearRunFolder(runDir, files);

  const runId = randomBytes(8).toString("hex");
  const secret = randomBytes(32).toString("hex");
  writeFileSync(files.secretFile, secret, { mode: 0o600 });
  const child = fork(script, [runDir, runId, ...(detach ? ["--detach"] : [])], files, detach);
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  await whenReady(child, exited, files);
  const pid = child.pid as number;
  writeFileSync(files.recordFile, JSON.stringify({ runId, pid } satisfies RootRecord), { mode: 0o600 });
  if (detach) child.unref();

  const ended = exited.then((code) => afterEnd(code, runId, files));
  const close = (graceSecs = CLOSE_GRACE_SECS) => closeRoot(child, { files, secret, graceSecs, ended });
  return { runId, pid, socketPath: files.socketPath, secret, ended, close };
}

/** Refuses a folder in use; ends what a killed root left in it. */
async function clearRunFolder(runDir: string, files: RootFiles): Promise<void> {
  const record = readRecord(files.recordFile);
  if (record === undefined) return;
  const client = await RootClient.connect({ runDir }).catch(() => undefined);
  if (client !== undefined) {
    client.close();
    throw new Error(`another Forge (root process ${record.pid}) runs in ${runDir}; stop it, or choose another folder`);
  }
  await endRun(record.runId);
}

function readRecord(file: string): RootRecord | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as RootRecord;
  } catch {
    return undefined;
  }
}

/** Detached in any case: a session of its own, so that a terminal's signals do not reach it. */
function fork(script: string, args: readonly string[], files: RootFiles, detach: boolean): ChildProcess {
  const log = openSync(files.logFile, "a", 0o600);
  try {
    const stdin = detach ? "ignore" : "pipe";
    return spawn(process.execPath, [script, ...args], { detached: true, stdio: [stdin, "pipe", log] });
  } finally {
    closeSync(log);
  }
}

async function whenReady(child: ChildProcess, exited: Promise<number | null>, files: RootFiles): Promise<void> {
  const stdout = child.stdout;
  if (stdout === null) throw new Error("root was started without a pipe to hear from it");
  const firstLine = new Promise<true>((resolve) => createInterface(stdout).once("line", () => resolve(true)));
  const failed = new Promise<Error>((resolve) => child.once("error", resolve));
  const late = new AbortController();
  const tooLate = sleep(READY_WITHIN_MS, new Error(`not ready after ${READY_WITHIN_MS} ms`), late).catch(() => null);
  const outcome = await Promise.race([firstLine, failed, exited, tooLate]);
  late.abort();
  stdout.destroy();
  if (outcome === true) return;
  child.kill("SIGKILL");
  const why = outcome instanceof Error ? outcome.message : `it ended with code ${outcome}`;
  throw new Error(`the root process cannot start: ${why}; see ${files.logFile}`);
}

async function afterEnd(code: number | null, runId: string, files: RootFiles): Promise<RootEnd> {
  const { killed, left } = await endRun(runId);
  for (const file of [files.recordFile, files.secretFile, files.socketPath]) rmSync(file, { force: true });
  return { inOrder: code === 0, swept: killed, left };
}

/** Kills what outlived its root, and removes the run's control groups. */
async function endRun(runId: string): Promise<SweepResult> {
  const groups = LimitGroups.leftBy(runId, planLimits(), process.platform);
  for (const pid of groups.members()) send(pid, "SIGKILL");
  const swept = await sweepRun(runId);
  await groups.close();
  return swept;
}

interface Closing {
  readonly files: RootFiles;
  readonly secret: string;
  readonly graceSecs: number;
  readonly ended: Promise<RootEnd>;
}

async function closeRoot(child: ChildProcess, { files, secret, graceSecs, ended }: Closing): Promise<RootEnd> {
  // Its socket may be another root's by now.
  if (child.exitCode !== null || child.signalCode !== null) return ended;
  const kill = setTimeout(() => child.kill("SIGKILL"), graceSecs * 1000 + CLOSE_SLACK_MS);
  try {
    await askToShutDown({ socketPath: files.socketPath, secret }, graceSecs);
    return await ended;
  } finally {
    clearTimeout(kill);
  }
}

async function askToShutDown(address: { socketPath: string; secret: string }, graceSecs: number): Promise<void> {
  try {
    const client = await RootClient.connect(address);
    await client.shutdown(graceSecs).finally(() => client.close());
  } catch (error) {
    // Gone already, or going: `ended` tells.
    if (!(error instanceof RootUnreachable)) throw error;
  }
}
