import { dirname } from "node:path";
import type { CliContext, Register } from "../context";
import { EXIT } from "../exit-code";
import { CliError } from "../failure";
import { folderOf } from "../global-options";
import { wholeNumber } from "../numbers";
import { findRunFile, isRunning, removeRunFile, type RunFile } from "../run-file";

interface DownOptions {
  readonly wait: number;
}

const LOOK_MS = 100;

export const register: Register = (command, context) => {
  command
    .option("--wait <secs>", "how long it may take", wholeNumber(1, 3600), 60)
    .addHelpText(
      "after",
      "\nEnds the run of this folder, or of the nearest one above it: its servers are stopped, with their grace period,\n" +
        "and no process of it is left. The same as Ctrl-C in the terminal of `forge up`.",
    )
    .action((options: DownOptions) => run(options, context));
};

async function run({ wait }: DownOptions, context: CliContext): Promise<void> {
  const found = findRunFile(folderOf(context.options, context.io.cwd));
  if (found === undefined || !isRunning(found.run)) {
    // What is left of a run that was killed.
    if (found !== undefined) removeRunFile(dirname(dirname(found.file)), found.run.runId);
    throw nothingRuns();
  }
  if (found.deployed.length > 0) throw wasDeployed(found.deployed.flatMap(({ regions }) => Object.keys(regions)));
  const { run: its } = found;
  process.kill(its.pid, "SIGTERM");
  const until = context.io.now() + wait * 1000;
  while (isRunning(its)) {
    if (context.io.now() > until) throw stillThere(its, wait);
    await context.io.sleep(LOOK_MS);
  }
  context.print({ ended: its.pid }, () => `The run of process ${its.pid} has ended.`);
}

/** Terraform's state says that they are there. */
function wasDeployed(regions: readonly string[]): CliError {
  const message = `no \`forge up\` runs here; ${regions.join(", ")} ${regions.length === 1 ? "was" : "were"} deployed`;
  return new CliError("deployed", EXIT.badInput, message, `end them with \`forge destroy ${regions.join(" ")}\``);
}

function nothingRuns(): CliError {
  const message = "no Forge runs in this folder or one above it";
  return new CliError("noRun", EXIT.unreachable, message, "start one with `forge up`");
}

function stillThere({ pid }: RunFile, wait: number): CliError {
  const fix = `wait longer with --wait SECS, or end process ${pid} with SIGKILL: its root process then ends the servers`;
  return new CliError("stillRunning", EXIT.failed, `the run (process ${pid}) has not ended within ${wait} s`, fix);
}
