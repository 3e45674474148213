import { Command, CommanderError } from "commander";
import { type CommandEntry, COMMANDS, LATER } from "./command-list";
import { CliContext } from "./context";
import { EXIT } from "./exit-code";
import { CliError, describeFailure, exitCodeOf, reportOf } from "./failure";
import type { CliIo } from "./io";
import { paintsFor } from "./paint";

/** Global flags that take a value, which is not the command's name. */
const VALUE_FLAGS = new Set(["--config", "--addr", "--token", "--region"]);

/**
 * Runs one command line.
 *
 * @param args without program and script
 * @returns the exit code; nothing is thrown
 */
export async function runCli(args: readonly string[], io: CliIo, version: string): Promise<number> {
  const name = commandOf(args);
  try {
    if (name !== undefined && LATER.includes(name)) throw notInThisVersion(name);
    // Of a name that there is not, commander's help prints that of the whole program.
    if (args[0] === "help" && name !== undefined && !COMMANDS.some((entry) => entry.name === name)) args = [name];
    const { program, context } = await buildProgram(name, io, version);
    await program.parseAsync(args, { from: "user" });
    return context.exitCode;
  } catch (error) {
    return fail(error, args, io);
  }
}

/** The program with its global options, every command by name, and the asked one complete. */
async function buildProgram(
  name: string | undefined,
  io: CliIo,
  version: string,
): Promise<{ program: Command; context: CliContext }> {
  const program = new Command("forge")
    .description("Runs multiplayer game servers on this machine, or on Nomad, Consul and Vault.")
    .version(version, "-V, --version", "print the version")
    .option("--config <file>", "the forge.toml to read (default: ./forge.toml)")
    .option("--json", "results as JSON, failures as JSON problems on stderr")
    .option("--addr <url>", "a controller (default: FORGE_ADDR, else the local run)")
    .option("--token <token>", "an API token (default: FORGE_TOKEN, else made for the local run)")
    .option("--region <name>", "only this region (default: FORGE_REGION, else all)")
    .helpOption("-h, --help", "print help")
    .helpCommand("help [command]", "print help of a command")
    .addHelpText("after", "\nExit codes: 0 done, 1 failed, 2 bad input, 3 no controller, 4 refused, 5 not found.")
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out(text),
      writeErr: (text) => io.err(text),
      // Failures are printed in one place, as text or as JSON.
      outputError: () => undefined,
      getOutHelpWidth: () => io.terminal?.size().width ?? 100,
      getErrHelpWidth: () => io.terminal?.size().width ?? 100,
      getOutHasColors: () => io.outColor,
      getErrHasColors: () => io.errColor,
    });
  const context = new CliContext(io, program);
  for (const entry of COMMANDS) await addCommand(program, entry, entry.name === name ? context : undefined);
  return { program, context };
}

/** Of a command that was not asked for, help needs the name and the summary. */
async function addCommand(program: Command, entry: CommandEntry, context: CliContext | undefined): Promise<void> {
  const command = program.command(entry.name).description(entry.summary);
  if (context === undefined) return;
  const { register } = await entry.load();
  register(command, context);
}

/** The command of a command line; of `help NAME`, the one that help is asked for. */
function commandOf(args: readonly string[]): string | undefined {
  const words: string[] = [];
  for (let at = 0; at < args.length && words.length < 2; at++) {
    const arg = args[at] ?? "";
    if (VALUE_FLAGS.has(arg)) at += 1;
    else if (!arg.startsWith("-")) words.push(arg);
  }
  return words[0] === "help" ? words[1] : words[0];
}

function fail(error: unknown, args: readonly string[], io: CliIo): number {
  // Help and version were asked for and printed.
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done;
  // `forge` alone: commander has printed the help.
  if (error instanceof CommanderError && error.code === "commander.help") return EXIT.badInput;
  const failure = error instanceof CommanderError ? usageError(error, commandOf(args)) : error;
  const json = args.includes("--json");
  io.err(`${json ? JSON.stringify(reportOf(failure)) : describeFailure(failure, paintsFor(io.errColor))}\n`);
  return exitCodeOf(failure);
}

/** commander's own words, without their prefix. */
function usageError({ message }: CommanderError, name: string | undefined): CliError {
  const detail = message.replace(/^error: /, "").replace(/\n+/g, " ");
  const isCommand = COMMANDS.some((entry) => entry.name === name);
  const help = isCommand ? `\`forge help ${name ?? ""}\` says` : "`forge --help` and `forge COMMAND --help` say";
  return new CliError("usage", EXIT.badInput, detail, `${help} what there is`);
}

function notInThisVersion(name: string): CliError {
  const fix = 'README.md says under "What is not there yet" what to use meanwhile';
  return new CliError("notInThisVersion", EXIT.badInput, `\`forge ${name}\` is not in this version`, fix);
}
