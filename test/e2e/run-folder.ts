import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export const ROOT = join(__dirname, "..", "..");
/** The command as people have it, in a checkout: it builds what changed first. */
export const FORGE = join(ROOT, "cli", "bin", "forge.mjs");

export interface CommandEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a command prints with `--json` where it cannot do what it was asked. */
export interface PrintedProblem {
  readonly code: string;
  readonly detail: string;
  readonly fix?: string;
  readonly exitCode: number;
}

/** What a command with `--json` said last on stderr. */
export function problemOf({ stderr }: Pick<CommandEnd, "stderr">): PrintedProblem {
  return JSON.parse(stderr.trim().split("\n").at(-1) ?? "") as PrintedProblem;
}

/** So that a hang ends; on a busy machine one command of cdktf took 90 s. */
const COMMAND_MS = 240_000;
const LOOK_MS = 25;

/** A temporary folder with a forge.toml, and the commands that are typed in it. */
export class RunFolder {
  readonly path = mkdtempSync(join(tmpdir(), "forge-e2e-"));

  /** @param config the text of forge.toml */
  constructor(config: string) {
    this.write("forge.toml", config);
  }

  get config(): string {
    return join(this.path, "forge.toml");
  }

  write(name: string, contents: string): string {
    const file = join(this.path, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, contents);
    return file;
  }

  read(name: string): string {
    return readFileSync(join(this.path, name), "utf8");
  }

  /** Runs `forge` in this folder to its end. */
  forge(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CommandEnd> {
    return this.command(process.execPath, [FORGE, ...args], env);
  }

  /** Runs any program in this folder to its end. */
  command(
    program: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    cwd: string = this.path,
  ): Promise<CommandEnd> {
    return new Promise((resolve) => {
      const options = { cwd, env: environment(env), timeout: COMMAND_MS, killSignal: "SIGKILL", encoding: "utf8" };
      const child = execFile(program, args, options as { encoding: "utf8" }, (_error, stdout, stderr) => {
        resolve({ code: child.exitCode, stdout, stderr });
      });
    });
  }

  /** Resolves once the log of one of the run's programs has this text. */
  async logged(text: string): Promise<void> {
    const logs = join(this.path, ".forge", "run", "logs");
    const changed = watch(logs);
    try {
      await new Promise<void>((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`${logs} does not say: ${text}`)), COMMAND_MS);
        const look = (): void => {
          if (!readdirSync(logs).some((file) => readFileSync(join(logs, file), "utf8").includes(text))) return;
          clearTimeout(late);
          resolve();
        };
        changed.on("change", look);
        look();
      });
    } finally {
      changed.close();
    }
  }

  /** Of the run that `forge up` has here, or had last. */
  get runId(): string | undefined {
    try {
      return (JSON.parse(this.read(".forge/run.json")) as { readonly runId: string }).runId;
    } catch {
      return undefined;
    }
  }

  /**
   * Processes that are there because of this folder: those with the mark of its run in their environment, and those that
   * were started with a path in it. The second finds `forge up` itself and its root process.
   */
  processes(runId = this.runId): readonly string[] {
    const mark = runId === undefined ? undefined : `FORGE_RUN_ID=${runId}`;
    return processIds().flatMap((pid) => {
      const command = lookAt(pid, "cmdline");
      const marked = mark !== undefined && lookAt(pid, "environ").includes(mark);
      return marked || command.some((word) => word.includes(this.path)) ? [`${pid} ${command.join(" ")}`.trim()] : [];
    });
  }

  /** Resolves with what is left once nothing is, or after `withinMs`; for processes whose end nobody can be told of. */
  async emptied(runId?: string, withinMs = 20_000): Promise<readonly string[]> {
    const until = Date.now() + withinMs;
    for (;;) {
      const left = this.processes(runId);
      if (left.length === 0 || Date.now() > until) return left;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** Kills what is still there, so that one failed test disturbs no other, and removes the folder. */
  remove(runId?: string): void {
    for (const line of this.processes(runId)) {
      try {
        process.kill(Number(line.split(" ")[0]), "SIGKILL");
      } catch {
        // It ended meanwhile.
      }
    }
    rmSync(this.path, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** What a command started by a test inherits: nothing that points it at another run. */
export function environment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^FORGE_(?!TEST_)/.test(name));
  return { ...Object.fromEntries(inherited), ...more };
}

function processIds(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid);
}

/** Of a process that is gone, or a zombie, nothing. */
function lookAt(pid: number, what: "cmdline" | "environ"): string[] {
  try {
    return readFileSync(`/proc/${pid}/${what}`, "latin1").split("\0");
  } catch {
    return [];
  }
}
