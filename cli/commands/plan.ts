import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { RegionConfig } from "../../config/config";
import { regionEndpoints } from "../../config/region-endpoints";
import { engineName } from "../deploy/engine-option";
import type { CliContext, Register } from "../context";
import { EXIT } from "../exit-code";
import { CliError } from "../failure";
import type { EngineName } from "../../config/engine-name";
import { unclaimedNote } from "../deploy/unclaimed-note";

interface PlanFlags {
  readonly all?: boolean;
  readonly engine?: EngineName;
  readonly policy?: boolean;
}

export const register: Register = (command, context) => {
  command
    .argument("[regions...]", "names of regions")
    .option("--all", "every region of the forge.toml")
    .option("--engine <engine>", "embedded or nomad, instead of what forge.toml says", engineName)
    .option("--policy", "print the rights that regions on a cluster of somebody else's need there, and plan nothing")
    .addHelpText(
      "after",
      "\nChanges nothing. Terraform's state lies beside forge.toml in .forge/terraform/STACK, where `npx cdktf deploy` has it too.",
    )
    .action((regions: readonly string[], flags: PlanFlags) =>
      flags.policy === true ? printPolicies(regions, flags, context) : run(regions, flags, context),
    );
};

/** For the cluster's administrator, who is asked before there is a token to plan with. */
async function printPolicies(
  names: readonly string[],
  { all = false, engine }: PlanFlags,
  context: CliContext,
): Promise<void> {
  const { readConfig } = await import("../deploy/synth-stacks");
  const { leastPrivilege } = await import("../../stacks/least-privilege");
  const { guestScript } = await import("../../stacks/guest-script");
  const config = readConfig(context, engine);
  const { regions } = config;
  const experiences = Object.values(config.experiences);
  const wanted = all ? regions.map(({ name }) => name) : names;
  const unknown = wanted.find((name) => !regions.some((region) => region.name === name));
  const known = regions.map(({ name }) => name).join(", ");
  if (wanted.length === 0 || unknown !== undefined)
    throw new CliError(
      "unknownRegion",
      EXIT.badInput,
      unknown === undefined ? "--policy needs the name of a region" : `forge.toml has no region "${unknown}"`,
      `name one of ${known}, or use --all`,
    );
  const theirs = regions.filter(
    ({ name, engine: on, manage }) => wanted.includes(name) && on === "nomad" && !manage.includes("nomad"),
  );
  const scriptOf = (region: RegionConfig): string => {
    const { caFile } = regionEndpoints(region, dirname(context.configFile)).nomad;
    return guestScript(region, experiences, caFile === undefined ? undefined : readFileSync(caFile, "utf8"));
  };
  const policies = theirs.map((region) => ({
    region: region.name,
    ...leastPrivilege(region, experiences),
    script: scriptOf(region),
  }));
  context.print({ policies }, () =>
    theirs.length === 0
      ? ["# None of these regions is on a cluster whose rights are somebody else's: deploy makes the policies itself."]
      : policies.map(({ script }) => script),
  );
}

async function run(regions: readonly string[], { all = false, engine }: PlanFlags, context: CliContext): Promise<void> {
  const { DeployRun } = await import("../deploy/deploy-run");
  const { tellEvent } = await import("../deploy/deploy-events");
  const ask = { regions, all, engine, destroy: false, together: false };
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
