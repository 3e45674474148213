import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { CliIo, CliTerminal } from "./io";
import { runCli } from "./program";

export interface CliResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** `out` as JSON; throws where it is none. */
  readonly json: unknown;
}

export interface CliOptions {
  readonly cwd: string;
  /**
   * Where Forge is installed.
   * @default this checkout
   */
  readonly home?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly terminal?: CliTerminal;
  /** Takes who listens to standard input. */
  readonly onLine?: (listener: (line: string) => void) => void;
  /** Told of each piece of output as it comes. */
  readonly onOut?: (text: string) => void;
  /** The same of what is said about the work. */
  readonly onErr?: (text: string) => void;
}

/** Runs a command line in this process: the same as `main.ts`, with output kept. */
export async function runForTest(args: readonly string[], options: CliOptions): Promise<CliResult> {
  const kept = { out: "", err: "" };
  const io: CliIo = {
    env: options.env ?? {},
    cwd: options.cwd,
    home: options.home ?? resolve(__dirname, ".."),
    out(text) {
      kept.out += text;
      options.onOut?.(text);
    },
    err(text) {
      kept.err += text;
      options.onErr?.(text);
    },
    outIsTerminal: options.terminal !== undefined,
    errIsTerminal: false,
    outColor: false,
    errColor: false,
    now: () => Date.now(),
    onLine: (listener) => {
      options.onLine?.(listener);
      return () => undefined;
    },
    sleep: (ms, signal) => sleep(ms, undefined, signal ? { signal } : {}),
    terminal: options.terminal,
  };
  const code = await runCli(args, io, "0.0.0-test");
  return {
    code,
    ...kept,
    get json(): unknown {
      return JSON.parse(kept.out) as unknown;
    },
  };
}
