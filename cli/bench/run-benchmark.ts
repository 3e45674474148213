import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { endStrays, unmountAll } from "../../infra/local/leftovers";
import type { Benchmark } from "./rows";

export type Figures = ReadonlyMap<string, Readonly<Record<string, number>>>;

export interface BenchmarkRun {
  /** The checkout. */
  readonly repository: string;
  readonly env: NodeJS.ProcessEnv;
  /** Hears each line that it prints for people. */
  readonly onLine: (line: string) => void;
  /** Aborted, it ends early. */
  readonly signal: AbortSignal;
}

const MARK = "figure ";
/** One that was told to end has so long for its own processes. */
const END_WITHIN_MS = 10_000;

/** What a reader types to run it alone. */
export function commandOf({ file, args }: Pick<Benchmark, "file" | "args">): string {
  return ["npx tsx", `bench/${file}.ts`, ...args].join(" ");
}

/**
 * Runs a benchmark of this checkout. However it ends, no process of its own is left, nor a file: it is a process group, and
 * its folder for temporary files goes.
 * @throws {Error} with its last words where it fails, and where it took too long or was ended early
 */
export async function runBenchmark(
  { file, args, withinSecs }: Pick<Benchmark, "file" | "args" | "withinSecs">,
  { repository, env, onLine, signal }: BenchmarkRun,
): Promise<Figures> {
  signal.throwIfAborted();
  const folder = mkdtempSync(join(tmpdir(), "fb-"));
  const child = spawn(
    process.execPath,
    [join(repository, "node_modules", "tsx", "dist", "cli.mjs"), join(repository, "bench", `${file}.ts`), ...args],
    {
      cwd: repository,
      env: { ...env, TMPDIR: folder, FORGE_BENCH_FIGURES: "1" },
      stdio: ["ignore", "pipe", "pipe"],
      // Its own group: Ctrl-C reaches all of it through here, and at its end whatever of it is left.
      detached: true,
    },
  );
  const figures = new Map<string, Readonly<Record<string, number>>>();
  let said = "";
  child.stderr.on("data", (chunk) => (said = (said + String(chunk)).slice(-2000)));
  createInterface(child.stdout).on("line", (line) => {
    if (!line.startsWith(MARK)) return onLine(line);
    const { name, ...figure } = JSON.parse(line.slice(MARK.length)) as { name: string } & Record<string, number>;
    figures.set(name, figure);
  });
  const late = AbortSignal.timeout(withinSecs * 1000);
  try {
    const code = await ended(child, AbortSignal.any([late, signal]));
    if (signal.aborted) throw new Error("it was ended early");
    if (late.aborted) throw new Error(`${commandOf({ file, args })} was ended: it took more than ${withinSecs} s`);
    if (code !== 0) throw new Error(`${commandOf({ file, args })} ended with ${String(code)}: ${said.trim()}`);
    return figures;
  } finally {
    await endStrays(folder);
    await unmountAll(folder);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns its exit code or signal, once nobody of its group can write any more */
async function ended(child: ChildProcess, end: AbortSignal): Promise<number | string | null> {
  const closed = once(child, "close") as Promise<[number | null, string | null]>;
  let kill: NodeJS.Timeout | undefined;
  const askAll = (): void => {
    signalGroup(child, "SIGINT");
    kill = setTimeout(() => signalGroup(child, "SIGKILL"), END_WITHIN_MS);
  };
  end.addEventListener("abort", askAll);
  // One that died may have left others, which would keep its output open.
  child.once("exit", () => {
    if (kill === undefined) signalGroup(child, "SIGKILL");
  });
  const [code, signal] = await closed;
  clearTimeout(kill);
  end.removeEventListener("abort", askAll);
  signalGroup(child, "SIGKILL");
  return code ?? signal;
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch (error) {
    // Nobody of it is left.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
