import type { CliContext, Register } from "../context";
import { wholeNumber } from "../numbers";

interface StartFlags {
  readonly incarnation?: string;
  readonly revision?: string;
}

interface StopFlags {
  readonly incarnation?: string;
  readonly wait: number;
}

export const register: Register = (command, context) => {
  command.addHelpText(
    "after",
    "\nWhat the stack REGION-embedded calls when it is deployed or destroyed. By hand, use `forge deploy` and `forge destroy`.",
  );
  command
    .command("start <name>")
    .description("start a region in the background, unless it runs")
    .option("--incarnation <id>", "what the start is known by (default: made up)")
    .option("--revision <id>", "refuse a forge.toml that says something else")
    .action(async (name: string, flags: StartFlags) => {
      const { startRegion } = await import("../deploy/region-control");
      const { record, started } = await startRegion(name, flags, context);
      context.print({ region: name, started, url: record.url, pid: record.pid }, () =>
        started
          ? `region ${name} runs: ${record.url} (process ${record.pid})`
          : `region ${name} runs already: ${record.url} (process ${record.pid})`,
      );
    });
  command
    .command("stop <name>")
    .description("end a region that was started so, and leave no process of it")
    .option("--incarnation <id>", "only the start that is known by this")
    .option("--wait <secs>", "how long it may take", wholeNumber(1, 3600), 60)
    .action(async (name: string, flags: StopFlags) => {
      const { stopRegion } = await import("../deploy/region-control");
      const stopped = await stopRegion(name, flags, context);
      context.print({ region: name, ended: stopped }, () => stopWords(name, stopped));
    });
  command
    .command("push <name>")
    .description("give the running region the forge.toml as it is now; restarts nothing")
    .option("--revision <id>", "refuse a forge.toml that says something else")
    .action(async (name: string, flags: StartFlags) => {
      const { pushConfig } = await import("../deploy/region-control");
      const changed = await pushConfig(name, flags, context);
      context.print({ region: name, changed }, () =>
        changed
          ? `region ${name} goes by the new forge.toml`
          : `region ${name} goes by this forge.toml already: nothing to push`,
      );
    });
  command
    .command("run <name>", { hidden: true })
    .requiredOption("--incarnation <id>")
    .action((name: string, flags: { readonly incarnation: string }) => runRegion(name, flags.incarnation, context));
};

async function runRegion(name: string, incarnation: string, context: CliContext): Promise<void> {
  const { runDeployedRegion } = await import("../deploy/region-process");
  context.exitCode = await runDeployedRegion(name, incarnation, context);
}

function stopWords(name: string, stopped: number | undefined): string {
  return stopped === undefined ? `region ${name} does not run: nothing to end` : `region ${name} has ended`;
}
