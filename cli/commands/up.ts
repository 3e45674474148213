import type { CliContext, Register } from "../context";
import { engineName } from "../deploy/engine-option";
import { wholeNumber } from "../numbers";

interface UpFlags {
  readonly engine?: "embedded" | "nomad";
  readonly processes?: boolean;
  readonly demo: boolean;
  readonly for?: number;
  readonly detach?: boolean;
  readonly port?: number;
  readonly bots?: number;
}

export const register: Register = (command, context) => {
  command
    .option("--engine <engine>", "embedded or nomad, instead of what forge.toml says", engineName)
    .option("--processes", "controller, agent and gate as processes of their own")
    .option("--no-demo", "without the bots of [demo]")
    .option("--for <seconds>", "end after so long, with a summary", wholeNumber(1, 86_400))
    .option("--detach", "go on in the background; end it with `forge down`")
    .option(
      "--port <port>",
      "of the first region; the next follow (default: 7700), 0 lets the system choose",
      wholeNumber(0, 65_500),
    )
    .option("--bots <n>", "instead of what [demo] says", wholeNumber(1, 5_000))
    .addHelpText(
      "after",
      "\nCtrl-C ends it and leaves no process. Exit code 1 where a player was lost or a server overfull. With --json it\n" +
        'prints {"ready": {"url", "token", "regions"}} first, then an event a line, and with --for a summary last.',
    )
    .action((flags: UpFlags) => run(flags, context));
};

async function run(flags: UpFlags, context: CliContext): Promise<void> {
  const { runUp } = await import("../up/up-command");
  context.exitCode = await runUp(
    {
      configFile: context.configFile,
      engine: flags.engine,
      processes: flags.processes ?? false,
      demo: flags.demo,
      forSecs: flags.for,
      detach: flags.detach ?? false,
      json: context.options.json,
      port: flags.port,
      bots: flags.bots,
    },
    context,
  );
}
