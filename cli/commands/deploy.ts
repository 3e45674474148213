import type { EngineName } from "../../config/engine-name";
import type { CliContext, Register } from "../context";
import { engineName } from "../deploy/engine-option";
import { unclaimedNote } from "../deploy/unclaimed-note";

interface DeployFlags {
  readonly all?: boolean;
  readonly yes?: boolean;
  readonly engine?: EngineName;
}

export const register: Register = (command, context) => {
  command
    .argument("[regions...]", "names of regions")
    .option("--all", "every region of the forge.toml")
    .option("--yes", "apply without asking")
    .option("--engine <engine>", "embedded or nomad, instead of what forge.toml says", engineName)
    .addHelpText(
      "after",
      "\nThe same as `npx cdktf deploy` of the regions' stacks, in their order. Broken off, it goes on where it was when it is run\n" +
        "again. A region on the embedded engine is started in the background on this machine: that goes the way of a deploy,\n" +
        "and provisions no cluster.",
    )
    .action((regions: readonly string[], flags: DeployFlags) => run(regions, flags, context));
};

async function run(
  regions: readonly string[],
  { all = false, yes = false, engine }: DeployFlags,
  context: CliContext,
): Promise<void> {
  const { DeployRun } = await import("../deploy/deploy-run");
  const { approval } = await import("../deploy/approval");
  const deploy = await DeployRun.prepare({ regions, all, engine, destroy: false, together: yes }, context);
  const { stacks, unclaimed } = await deploy.apply(approval("Deploy", yes, context));
  if (context.options.json) context.print({ deployed: stacks, unclaimed }, () => []);
  else context.print(null, () => unclaimedNote(unclaimed));
}
