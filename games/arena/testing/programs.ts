import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { build } from "esbuild";

export type ProgramName = "server" | "physics" | "ai" | "bots";

/** One of the arena's programs, running. */
export class Program {
  readonly out: string[] = [];
  readonly err: string[] = [];
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  private waiting: (() => void)[] = [];

  constructor(readonly child: ChildProcess) {
    const { stdout, stderr } = child;
    for (const [stream, lines] of [
      [stdout, this.out],
      [stderr, this.err],
    ] as const) {
      if (!stream) continue;
      createInterface(stream).on("line", (line) => {
        lines.push(line);
        for (const run of this.waiting.splice(0)) run();
      });
    }
    this.ended = new Promise((resolve) => child.once("close", (code, signal) => resolve(code ?? signal ?? "?")));
    void this.ended.then(() => this.waiting.splice(0).forEach((run) => run()));
  }

  /** The first line of output that fits. @throws {Error} where the program ended without one */
  async line(wanted: RegExp | ((line: string) => boolean)): Promise<string> {
    const fits = wanted instanceof RegExp ? (line: string): boolean => wanted.test(line) : wanted;
    for (;;) {
      const found = this.out.find(fits);
      if (found !== undefined) return found;
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        throw new Error(
          `it ended without the line that fits ${String(wanted)}:\n${[...this.out, ...this.err].join("\n")}`,
        );
      }
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }
}

/** For tests: the arena's programs bundled from their sources into a temporary folder, and those that were started. */
export class Programs {
  private readonly running = new Set<Program>();

  private constructor(private readonly folder: string) {}

  static async bundle(): Promise<Programs> {
    const folder = mkdtempSync(join(tmpdir(), "forge-arena-"));
    const names: readonly ProgramName[] = ["server", "physics", "ai", "bots"];
    await build({
      absWorkingDir: join(__dirname, "../../.."),
      entryPoints: names.map((name) => ({ in: `games/arena/${name}/main.ts`, out: name })),
      outdir: folder,
      bundle: true,
      platform: "node",
      target: "node20",
      format: "cjs",
      logLevel: "silent",
    });
    return new Programs(folder);
  }

  start(name: ProgramName, env: Readonly<Record<string, string>>, args: readonly string[] = []): Program {
    const child = spawn(process.execPath, [join(this.folder, `${name}.js`), ...args], {
      env: { PATH: process.env["PATH"], FORGE_TEST_SUMMARY: process.env["FORGE_TEST_SUMMARY"], ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const program = new Program(child);
    this.running.add(program);
    void program.ended.then(() => this.running.delete(program));
    return program;
  }

  /** Kills what still runs. */
  async stopAll(): Promise<void> {
    for (const { child } of this.running) child.kill("SIGKILL");
    await Promise.all([...this.running].map(({ ended }) => ended));
  }

  async close(): Promise<void> {
    await this.stopAll();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
