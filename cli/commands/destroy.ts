import type { EngineName } from "../../config/engine-name";
import type { CliContext, Register } from "../context";
import { engineName } from "../deploy/engine-option";
import { unclaimedNote } from "../deploy/unclaimed-note";

interface DestroyFlags {
  readonly all?: boolean;
  readonly yes?: boolean;
  readonly engine?: EngineName;
}

export const register: Register = (command, context) => {
  command
    .argument("[regions...]", "names of regions, of the forge.toml or deployed before")
    .option("--all", "everything that is deployed from this folder")
    .option("--yes", "destroy without asking")
    .option("--engine <engine>", "embedded or nomad, instead of what forge.toml says", engineName)
    .addHelpText(
      "after",
      "\nTakes away what `forge deploy` or `npx cdktf deploy` made, servers with players on them too: `forge drain region NAME`\n" +
        "first lets them play on. Volumes of worlds stay.",
    )
    .action((regions: readonly string[], flags: DestroyFlags) => run(regions, flags, context));
};

async function run(
  regions: readonly string[],
  { all = false, yes = false, engine }: DestroyFlags,
  context: CliContext,
): Promise<void> {
  const { DeployRun } = await import("../deploy/deploy-run");
  const { approval } = await import("../deploy/approval");
  const destroy = await DeployRun.prepare({ regions, all, engine, destroy: true, together: yes }, context);
  const { stacks, unclaimed } = await destroy.apply(approval("Destroy", yes, context));
  const none = Object.keys(stacks).length === 0;
  if (context.options.json) context.print({ destroyed: stacks, unclaimed }, () => []);
  else context.print(null, () => [...(none ? ["nothing is deployed"] : []), ...unclaimedNote(unclaimed)]);
}
