import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { EXIT } from "../exit-code";
import { CliError } from "../failure";
import { type Diagnostic, readTerraformLine, type TerraformLine } from "./terraform-lines";

export interface TerraformOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Asked for the end: what runs is interrupted once, and ends in its own time with its state written. */
  readonly signal: AbortSignal;
}

export interface TerraformRun {
  readonly code: number;
  /** By a signal, before it had written what it was about to. */
  readonly killed: boolean;
  /** What it printed for whoever reads it as a result. */
  readonly out: string;
  /** Everything printed, errors too; the end of it where it was long. */
  readonly said: string;
  readonly errors: readonly Diagnostic[];
}

const MAX_SAID = 256 * 1024;
/** Another deploy may just be ending. */
const LOCK_TIMEOUT = "-lock-timeout=20s";

/** Terraform, or OpenTofu by TERRAFORM_BINARY_NAME as for `cdktf`, in the folder of one stack. */
export class Terraform {
  constructor(
    readonly folder: string,
    private readonly options: TerraformOptions,
  ) {}

  init(): Promise<TerraformRun> {
    return this.run(["init", "-input=false", "-no-color"]);
  }

  /** Writes the plan to `file`. */
  plan(file: string, onLine: (line: TerraformLine) => void, destroy: boolean): Promise<TerraformRun> {
    const args = ["plan", "-json", "-input=false", LOCK_TIMEOUT, `-out=${file}`, ...(destroy ? ["-destroy"] : [])];
    return this.run(args, onLine);
  }

  apply(file: string, onLine: (line: TerraformLine) => void): Promise<TerraformRun> {
    return this.run(["apply", "-json", "-input=false", LOCK_TIMEOUT, file], onLine);
  }

  /** The plan in `file` as Terraform's JSON. */
  async show(file: string): Promise<unknown> {
    const { code, out, said } = await this.run(["show", "-json", file]);
    if (code !== 0) throw new CliError("terraform", EXIT.failed, `terraform show ended with ${code}: ${said.trim()}`);
    return JSON.parse(out);
  }

  /** Addresses of what the state holds. */
  async stateList(): Promise<readonly string[]> {
    const { code, out } = await this.run(["state", "list"]);
    return code === 0 ? out.split("\n").filter((line) => line !== "") : [];
  }

  /** Takes what there is already into the state; `id` is as the provider calls it. */
  import(address: string, id: string): Promise<TerraformRun> {
    return this.run(["import", "-input=false", "-no-color", LOCK_TIMEOUT, address, id]);
  }

  private run(args: readonly string[], onLine: (line: TerraformLine) => void = () => undefined): Promise<TerraformRun> {
    const { env, signal } = this.options;
    const binary = env["TERRAFORM_BINARY_NAME"] ?? "terraform";
    return new Promise((resolve, reject) => {
      // Files that it makes hold what is deployed: for their owner alone. Ctrl-C comes from here, once.
      const child = spawn("sh", ["-c", 'umask 077; exec "$0" "$@"', binary, ...args], {
        cwd: this.folder,
        env: { ...env, CHECKPOINT_DISABLE: "1", TF_IN_AUTOMATION: "1" },
        stdio: ["ignore", "pipe", "pipe"],
        detached: true,
      });
      let said = "";
      const out: string[] = [];
      const errors: Diagnostic[] = [];
      const note = (text: string): void => void (said = `${said}${text}\n`.slice(-MAX_SAID));
      createInterface(child.stdout).on("line", (text) => {
        note(text);
        out.push(text);
        const line = readTerraformLine(text);
        if (line === undefined) return;
        if (line.diagnostic?.severity === "error") errors.push(line.diagnostic);
        onLine(line);
      });
      createInterface(child.stderr).on("line", note);
      const interrupt = (): void => void child.kill("SIGINT");
      signal.addEventListener("abort", interrupt, { once: true });
      if (signal.aborted) interrupt();
      child.once("error", reject);
      child.once("close", (code, signalName) => {
        signal.removeEventListener("abort", interrupt);
        // What a shell says of a program that is not there.
        if (code === 127 || code === 126) reject(terraformMissing(binary));
        else resolve({ code: code ?? 1, killed: signalName !== null, out: out.join("\n"), said, errors });
      });
    });
  }
}

function terraformMissing(binary: string): CliError {
  const fix = "install Terraform 1.11 or newer (https://developer.hashicorp.com/terraform/install) and put it on PATH";
  return new CliError("terraformMissing", EXIT.failed, `there is no ${binary} on PATH`, fix);
}
