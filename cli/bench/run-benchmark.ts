import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Benchmark } from "./rows";

export type Figures = ReadonlyMap<string, Readonly<Record<string, number>>>;

const MARK = "figure ";

/** What a reader types to run it alone. */
export function commandOf({ file, args }: Pick<Benchmark, "file" | "args">): string {
  return ["npx tsx", `bench/${file}.ts`, ...args].join(" ");
}

/** One that was told to end has so long for its own processes. */
const END_WITHIN_MS = 10_000;

/**
 * Runs a benchmark of this checkout.
 * @param onLine hears each line that it prints for people
 * @throws {Error} with its last words where it fails or takes too long
 */
export async function runBenchmark(
  repository: string,
  { file, args, withinSecs }: Pick<Benchmark, "file" | "args" | "withinSecs">,
  env: NodeJS.ProcessEnv,
  onLine: (line: string) => void,
): Promise<Figures> {
  const child = spawn(
    process.execPath,
    [join(repository, "node_modules", "tsx", "dist", "cli.mjs"), join(repository, "bench", `${file}.ts`), ...args],
    { cwd: repository, env: { ...env, FORGE_BENCH_FIGURES: "1" }, stdio: ["ignore", "pipe", "pipe"] },
  );
  let said = "";
  child.stderr.on("data", (chunk) => (said = (said + String(chunk)).slice(-2000)));
  const figures = new Map<string, Readonly<Record<string, number>>>();
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("close", resolve);
    child.once("error", reject);
  });
  let late = false;
  const timers = [
    setTimeout(() => (late = child.kill("SIGTERM")), withinSecs * 1000),
    setTimeout(() => child.kill("SIGKILL"), withinSecs * 1000 + END_WITHIN_MS),
  ];
  for await (const line of createInterface(child.stdout)) {
    if (!line.startsWith(MARK)) {
      onLine(line);
      continue;
    }
    const { name, ...figure } = JSON.parse(line.slice(MARK.length)) as { name: string } & Record<string, number>;
    figures.set(name, figure);
  }
  const code = await ended;
  timers.forEach(clearTimeout);
  if (late) throw new Error(`${commandOf({ file, args })} was ended: it took more than ${withinSecs} s`);
  if (code !== 0) throw new Error(`${commandOf({ file, args })} ended with ${String(code)}: ${said.trim()}`);
  return figures;
}
