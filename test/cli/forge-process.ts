import { type ChildProcess, spawn } from "node:child_process";
import { join, resolve } from "node:path";

const ROOT = resolve(__dirname, "../..");
const FORGE = join(ROOT, "cli", "bin", "forge.mjs");

export interface ProcessEnd {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** `forge` as a process of its own, as people start it, without anything of this shell's that would point it elsewhere. */
export function startForge(args: readonly string[], cwd: string, stdin: "ignore" | number = "ignore"): ChildProcess {
  const { FORGE_ADDR: _addr, FORGE_TOKEN: _token, FORGE_REGION: _region, ...env } = process.env;
  // With CI set, colours are on unless a program says no: what goes into a pipe must have none even there.
  return spawn(process.execPath, [FORGE, ...args], {
    cwd,
    env: { ...env, CI: "true" },
    stdio: [stdin, "pipe", "pipe"],
  });
}

/** Runs it to its end. */
export function forge(args: readonly string[], cwd: string): Promise<ProcessEnd> {
  return endOf(startForge(args, cwd));
}

export function endOf(child: ChildProcess): Promise<ProcessEnd> {
  let out = "";
  let err = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (err += text));
  return new Promise((done, failed) => {
    child.once("error", failed);
    child.once("close", (code) => done({ code, out, err }));
  });
}
