import { resolve } from "node:path";
import type { Command } from "commander";
import type { ForgeApi } from "./api";
import type { GlobalOptions } from "./global-options";
import type { CliIo } from "./io";
import { type Paints, paintsFor } from "./paint";

/** Adds arguments, options and action to a command that already has its name and summary. */
export type Register = (command: Command, context: CliContext) => void;

/** What a command works with, once the command line has been read. */
export class CliContext {
  readonly paints: Paints;
  /** What the command ends with where nothing was thrown. */
  exitCode = 0;

  constructor(
    readonly io: CliIo,
    private readonly program: Command,
  ) {
    this.paints = paintsFor(io.outColor);
  }

  /** Flags first, then the environment. */
  get options(): GlobalOptions {
    const given = this.program.opts<Partial<GlobalOptions>>();
    const { env } = this.io;
    return {
      config: given.config,
      json: given.json ?? false,
      addr: given.addr ?? nonEmpty(env["FORGE_ADDR"]),
      token: given.token ?? nonEmpty(env["FORGE_TOKEN"]),
      region: given.region ?? nonEmpty(env["FORGE_REGION"]),
    };
  }

  /** Path of the forge.toml: `--config`, else the one of this folder. */
  get configFile(): string {
    return resolve(this.io.cwd, this.options.config ?? "forge.toml");
  }

  /** The controllers that the command talks to. Loaded here: commands that need none stay quick. */
  async api(): Promise<ForgeApi> {
    const { connect } = await import("./connection");
    return connect(this.options, this.io);
  }

  /** A result: as JSON on one line where asked for, else as people read it. */
  print(value: unknown, human: () => string | readonly string[]): void {
    if (this.options.json) {
      this.io.out(`${JSON.stringify(value)}\n`);
      return;
    }
    const text = human();
    const lines = typeof text === "string" ? [text] : text;
    if (lines.length > 0) this.io.out(`${lines.join("\n")}\n`);
  }

  /** Something about the work that is no part of its result. */
  note(text: string): void {
    this.io.err(`${paintsFor(this.io.errColor).dim(text)}\n`);
  }

  /** The same where somebody looks on: what they wait for. */
  onTerminal(text: string): void {
    if (this.io.errIsTerminal) this.note(text);
  }

  /** Columns of the terminal that results go to; undefined where they go elsewhere and nothing is to be cut. */
  get width(): number | undefined {
    return this.io.terminal?.size().width;
  }
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === "" ? undefined : text;
}
