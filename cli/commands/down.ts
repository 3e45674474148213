import type { CliContext, Register } from "../context";
import { EXIT } from "../exit-code";
import { CliError } from "../failure";
import { findRunFile, isRunning } from "../run-file";

const ASK_MS = 100;
/** Longer than a run takes to end: players leave, servers have their grace, root sweeps. */
const WITHIN_MS = 40_000;

export const register: Register = (command, context) => {
  command
    .addHelpText("after", "\nThe same as Ctrl-C in the terminal of `forge up`: servers end, nothing is left running.")
    .action(() => run(context));
};

async function run(context: CliContext): Promise<void> {
  const { io } = context;
  const found = findRunFile(io.cwd);
  if (!found || !isRunning(found.run)) {
    throw new CliError(
      "noRun",
      EXIT.unreachable,
      "no Forge runs in this folder or one above it",
      "start one with `forge up`",
    );
  }
  const { pid } = found.run;
  process.kill(pid, "SIGTERM");
  const untilMs = io.now() + WITHIN_MS;
  while (isRunning(found.run)) {
    if (io.now() > untilMs)
      throw new CliError(
        "notEnded",
        EXIT.failed,
        `process ${pid} has not ended after ${WITHIN_MS / 1000} s`,
        `see ${found.file} and the logs beside it`,
      );
    await io.sleep(ASK_MS);
  }
  context.print({ ended: pid }, () => `The run of process ${pid} has ended.`);
}
