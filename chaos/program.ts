import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";

export interface ProgramOptions {
  readonly name: string;
  /** The whole command; it must become the program, not its parent. */
  readonly command: readonly string[];
  readonly logFile: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** It ended, and nobody had done anything to it. */
  readonly onDeath: (how: string) => void;
}

const RESTART_MS = 200;
const END_WITHIN_MS = 15_000;

/** One of Forge's programs, which is killed, stopped and started again. */
export class Program {
  private child: ChildProcess | undefined;
  private stopping = false;
  private restarting: NodeJS.Timeout | undefined;
  private command: readonly string[];

  constructor(private readonly options: ProgramOptions) {
    this.command = options.command;
  }

  get name(): string {
    return this.options.name;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  start(): void {
    if (this.stopping || this.child) return;
    const { command } = this;
    const { logFile, env } = this.options;
    const log = openSync(logFile, "a", 0o600);
    const child = spawn(command[0] ?? "", command.slice(1), { stdio: ["ignore", log, log], env: { ...env } });
    closeSync(log);
    this.child = child;
    child.once("error", (error) => this.ended(child, error.message));
    child.once("exit", (code, signal) => this.ended(child, signal ?? `code ${String(code)}`));
  }

  /** Resolves when it is gone; it stays so until `start`. */
  async kill(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (!child) return;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await exited;
  }

  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.child?.kill(signal);
  }

  /** In order, for good. */
  async stop(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.restarting);
    await this.end();
  }

  /** Ends it in order and starts this one in its place, as an upgrade does. */
  async replace(command: readonly string[]): Promise<void> {
    this.command = command;
    await this.end();
    this.start();
  }

  private async end(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), END_WITHIN_MS);
    await exited;
    clearTimeout(late);
  }

  /** As root and Nomad do it: what dies by itself is started again. That it died is told. */
  private ended(child: ChildProcess, how: string): void {
    if (this.child !== child) return;
    this.child = undefined;
    this.options.onDeath(how);
    this.restarting = setTimeout(() => this.start(), RESTART_MS);
  }
}
