import type { DecisionRecord, Fleet, Region } from "../../controller/core/resources";
import type { ForgeApi } from "../api";
import type { CliContext, Register } from "../context";
import { EXIT } from "../exit-code";
import { experienceAt } from "../experience-at";
import { ApiError, CliError } from "../failure";
import { onlyRegion } from "../only-region";
import { plain } from "../table";

interface RolloutOptions {
  readonly canary?: number;
  readonly promote?: boolean;
  readonly pause?: boolean;
  readonly resume?: boolean;
  readonly rollback?: boolean;
}

/** What begins a reason of a fleet's decision that is about its rollout. */
const FACT = "rollout: ";
const STEPS = ["promote", "pause", "resume", "rollback"] as const;

export const register: Register = (command, context) => {
  command
    .argument("<experience>", "NAME@VERSION to take a version in; NAME to see how far it is, or with an option")
    .option("--canary <share>", "this share of the fleet runs it first: 10%", percent)
    .option("--promote", "from the canary to all of the fleet")
    .option("--pause", "start nothing more of it, and close no old server")
    .option("--resume", "go on")
    .option("--rollback", "back to the version before")
    .addHelpText(
      "after",
      "\nNew servers run the version, old ones go as they empty: nobody is moved, and no match is ended. Where servers of\n" +
        "the new version do not come up, hang or die, the rollout goes back by itself (forge.toml: [experiences.NAME.rollout]).",
    )
    .action((experience: string, options: RolloutOptions) => run(experience, options, context));
};

async function run(text: string, options: RolloutOptions, context: CliContext): Promise<void> {
  const { experienceId, version } = experienceAt(text);
  const steps = STEPS.filter((step) => options[step]);
  if (steps.length > 1) throw usage(`--${steps.join(" and --")} at once`, "choose one");
  if (steps.length > 0 && (version !== undefined || options.canary !== undefined))
    throw usage(`--${String(steps[0])} beside a version or a share`, "write the experience alone");
  const change = {
    ...(version !== undefined && { version }),
    ...(options.canary !== undefined && { canary: options.canary }),
    ...(steps.length > 0 && { rollout: steps[0] }),
  };
  const api = await context.api();
  const path = `/v1/fleets/${encodeURIComponent(experienceId)}`;
  const query = { region: context.options.region ?? (await onlyRegion(api)) };
  if (Object.keys(change).length > 0) {
    const fleet = await api.json<Fleet>({ method: "PUT", path, query, body: change });
    return context.print(fleet, () => [lineOf(fleet), ...noteOf(fleet, version)]);
  }
  const fleet = await api.get<Fleet>(path, query);
  const facts = await factsOf(api, fleet);
  context.print({ ...fleet, facts }, () => [lineOf(fleet), ...facts.map((fact) => `  ${plain(fact)}`)]);
}

/** How many they are, what it waits for, or how the last one ended: as the region's newest decision about the fleet tells. */
async function factsOf(api: ForgeApi, { experienceId, region }: Fleet): Promise<readonly string[]> {
  const { items } = await api.get<{ readonly items: readonly Region[] }>("/v1/regions", { region });
  const url = items.find(({ name }) => name === region)?.url;
  try {
    const path = `/v1/decisions/${encodeURIComponent(experienceId)}`;
    const { reasons } = await (url == null ? api : api.at(url)).get<DecisionRecord>(path);
    return reasons.flatMap((text) => (text.startsWith(FACT) ? [text.slice(FACT.length)] : []));
  } catch (error) {
    // Nothing has been decided about it so far.
    if (error instanceof ApiError && error.code === "unknownDecision") return [];
    throw error;
  }
}

/** A version need not stand in forge.toml: nothing else says what servers of a mistyped one would run. */
function noteOf({ experienceId, region, rollout }: Fleet, version: string | undefined): readonly string[] {
  if (version === undefined || rollout?.toVersion !== version) return [];
  return [
    `Its servers run forge.toml's entry with FORGE_VERSION=${version}, and an image in that tag where its tag is the version.`,
    `Back: forge rollout ${experienceId} --rollback --region ${region}`,
  ];
}

function lineOf({ experienceId, region, version, rollout }: Fleet): string {
  const where = `${experienceId} in ${region}`;
  if (rollout === null) return `${where}: new servers run ${version}; no version is being taken in`;
  const { fromVersion, toVersion, state, share, servers, failures, paused, reason } = rollout;
  const counts = Object.entries(servers).map(([each, count]) => `${String(count)} on ${each}`);
  const how = state === "canary" ? `canary of ${String(Math.round(share * 1000) / 10)} %` : "rolling";
  return (
    `${where}: from ${fromVersion} to ${toVersion}, ${how}${paused ? ", paused" : ""}; servers: ${counts.join(", ")}; ` +
    `${String(failures)} failed; ${reason}`
  );
}

/** `10%` or `0.1`, as a number above 0 and below 1. */
function percent(text: string): number {
  const share = text.endsWith("%") ? Number(text.slice(0, -1)) / 100 : Number(text);
  if (share > 0 && share < 1) return share;
  throw usage(`--canary ${text} is no share of a fleet`, 'write one above 0 and below 100 %: "10%"');
}

function usage(problem: string, fix: string): CliError {
  return new CliError("usage", EXIT.badInput, problem, fix);
}
