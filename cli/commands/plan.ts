import { engineName } from "../deploy/engine-option";
import type { CliContext, Register } from "../context";
import type { EngineName } from "../../config/engine-name";
import { unclaimedNote } from "../deploy/unclaimed-note";

interface PlanFlags {
  readonly all?: boolean;
  readonly engine?: EngineName;
}

export const register: Register = (command, context) => {
  command
    .argument("[regions...]", "names of regions")
    .option("--all", "every region of the forge.toml")
    .option("--engine <engine>", "embedded or nomad, instead of what forge.toml says", engineName)
    .addHelpText(
      "after",
      "\nChanges nothing. Terraform's state lies beside forge.toml in .forge/terraform/STACK, where `npx cdktf deploy` has it too.",
    )
    .action((regions: readonly string[], flags: PlanFlags) => run(regions, flags, context));
};

async function run(regions: readonly string[], { all = false, engine }: PlanFlags, context: CliContext): Promise<void> {
  const { DeployRun } = await import("../deploy/deploy-run");
  const { tellEvent } = await import("../deploy/deploy-events");
  const ask = { regions, all, engine, destroy: false, approve: async () => false, together: false };
  const deploy = await DeployRun.prepare(ask, context, (event) => {
    if (!context.options.json && event.type === "planned") tellEvent(event, context);
  });
  const { stacks, unclaimed } = await deploy.plan();
  const report = Object.entries(stacks).map(([stack, outcome]) => ({
    stack,
    outcome,
    changes: deploy.changes.get(stack) ?? [],
  }));
  context.print({ stacks: report, unclaimed }, () => [
    ...report.flatMap(({ stack, outcome }) => outcomeLine(stack, outcome)),
    ...unclaimedNote(unclaimed),
  ]);
}

function outcomeLine(stack: string, outcome: string): readonly string[] {
  if (outcome === "unchanged") return [`${stack}: no changes`];
  return outcome === "skipped" ? [`${stack}: can be planned once the stacks before it are deployed`] : [];
}
