import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { InfraError } from "../failure";
import { identify, isAlive, signal, type ProcessIdentity } from "./process-identity";
import { findByArguments } from "./process-table";
import { readIfThere, writeWhole } from "./region-folder";

/** A program that outlives the command that starts it. */
export interface AgentSpec {
  /** `consul`, `vault`, `nomad-server`, `nomad-client`, `artifacts`: also the name of its files. */
  readonly name: string;
  /** Absolute path. */
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly pidFile: string;
  readonly logFile: string;
  /** Of files that it makes: what it starts (tasks of a Nomad client) inherits it. */
  readonly umask: "022" | "077";
  /** Changes with what the program was told; a running one with another is out of date. */
  readonly revision: string;
}

const pidFileSchema = z.object({ pid: z.int().positive(), started: z.string(), revision: z.string() });

export type RunningAgent = ProcessIdentity & { readonly revision: string };

/** At a start, a log beyond this is put aside, and the one before it goes: 20 MiB each. */
const LOG_LIMIT = 20 * 1024 ** 2;
/** Of a log that an error repeats. */
const TAIL_BYTES = 16_384;

/**
 * The agent as its pid file knows it, if that very process runs; else a process with its very arguments, which name
 * files of this region alone: a command that was killed between start and pid file leaves one.
 */
export function runningAgent({ pidFile, args }: Pick<AgentSpec, "pidFile" | "args">): RunningAgent | undefined {
  const parsed = pidFileSchema.safeParse(parseJson(readIfThere(pidFile) ?? ""));
  if (parsed.success && isAlive(parsed.data)) return parsed.data;
  const found = findByArguments(args);
  return found === undefined ? undefined : { ...found, revision: "" };
}

/**
 * Starts it in a session of its own, without core dumps, its output in its log file. It is there when this returns;
 * whether it answers is another question.
 *
 * @throws {InfraError} `agentEnded` where the system could not start it
 */
export async function startAgent(spec: AgentSpec): Promise<RunningAgent> {
  putLongLogAside(spec.logFile);
  const log = openSync(spec.logFile, "a", 0o600);
  try {
    const script = `ulimit -c 0; umask ${spec.umask}; exec "$0" "$@"`;
    const child = spawn("/bin/sh", ["-c", script, spec.program, ...spec.args], {
      cwd: spec.cwd,
      env: spec.env,
      detached: true,
      stdio: ["ignore", log, log],
    });
    await new Promise((resolve, reject) => child.once("spawn", resolve).once("error", reject));
    child.unref();
    const identity = child.pid === undefined ? undefined : identify(child.pid);
    if (identity === undefined) throw endedError(spec);
    const running = { ...identity, revision: spec.revision };
    writeWhole(spec.pidFile, JSON.stringify(running));
    return running;
  } finally {
    closeSync(log);
  }
}

/**
 * Ends it: SIGTERM, then SIGKILL after `graceMs`. Returns once the process is gone.
 *
 * @returns how it went: it was not there, it ended by itself, or it had to be killed
 */
export async function stopAgent(
  spec: Pick<AgentSpec, "pidFile" | "args">,
  graceMs: number,
): Promise<"absent" | "ended" | "killed"> {
  const running = runningAgent(spec);
  if (running === undefined) {
    rmSync(spec.pidFile, { force: true });
    return "absent";
  }
  const how = await endProcess(running, graceMs);
  rmSync(spec.pidFile, { force: true });
  return how;
}

/** The same for any process. */
export async function endProcess(identity: ProcessIdentity, graceMs: number): Promise<"ended" | "killed"> {
  signal(identity, "SIGTERM");
  if (await untilGone(identity, graceMs)) return "ended";
  signal(identity, "SIGKILL");
  await untilGone(identity, KILL_MS);
  return "killed";
}

/** The kernel may take this long to end what was killed while it writes much to a slow disk. */
const KILL_MS = 30_000;
const LOOK_EVERY_MS = 50;

async function untilGone(identity: ProcessIdentity, withinMs: number): Promise<boolean> {
  // Nothing tells when a process ends that is not one's own child.
  for (let waitedMs = 0; isAlive(identity); waitedMs += LOOK_EVERY_MS) {
    if (waitedMs >= withinMs) return false;
    await pause(LOOK_EVERY_MS);
  }
  return true;
}

/** The last lines of an agent's log, of at most 16 KiB. */
export function logTail(logFile: string, lines: number): readonly string[] {
  try {
    const text = readFileSync(logFile).subarray(-TAIL_BYTES).toString("utf8");
    return text.trimEnd().split("\n").slice(-lines);
  } catch {
    return [];
  }
}

/** Why an agent has ended, as far as its log tells: each with what to do. */
export function endedError({ name, logFile }: Pick<AgentSpec, "name" | "logFile">): InfraError {
  const tail = logTail(logFile, 40).join("\n");
  if (/no space left on device/i.test(tail)) {
    return new InfraError(
      "diskFull",
      `${name} has ended: the disk is full`,
      "free some space, then run the same again",
    );
  }
  const taken = /address already in use/i.test(tail)
    ? (/(?:127\.0\.0\.1|\[::\]|0\.0\.0\.0):(\d+)/.exec(tail)?.[1] ?? "")
    : undefined;
  if (taken !== undefined) {
    const message = `${name} has ended: port ${taken} is taken by another program`;
    return new InfraError("portTaken", message, "end that program, or move the region's ports with FORGE_PORT_OFFSET");
  }
  const last = logTail(logFile, 5)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const said = last.length === 0 ? "it wrote nothing" : `its last lines: ${last.join(" | ").slice(0, 1000)}`;
  return new InfraError("agentEnded", `${name} has ended: ${said}`, `read ${logFile}, then run the same again`);
}

function putLongLogAside(logFile: string): void {
  const size = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0;
  if (size > LOG_LIMIT) renameSync(logFile, `${logFile}.1`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
