import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { LocalBackend, type App, type TerraformStack } from "cdktf";
import { configRevision } from "../config/revision";
import { regionIncarnation } from "../infra/embedded/region-record";
import { EmbeddedRegion, embeddedRegionStackId } from "./embedded-region";
import { ForgeRegion } from "./forge-region";
import type { ForgeRun } from "./forge-toml";
import { RegionJobs, regionJobsStackId } from "./region-jobs";

/** How a deploy of these stacks happens. State and what is deployed lie in `.forge` beside forge.toml. */
export interface DeployPlace {
  /** Program and first arguments of the `forge` command. */
  readonly forge: readonly string[];
}

/**
 * Adds the stacks of a run: for each region on Nomad those that it lets deploy manage, for one on the embedded engine
 * `REGION-embedded`.
 *
 * A region on the embedded engine needs no jobs to run, but has a `REGION-jobs` too, with those of its game servers: so
 * `cdktf synth` shows of any forge.toml what a cluster would get. `forge deploy` leaves that stack of it alone.
 *
 * @param place without it there is no `REGION-embedded`, and the backend is CDKTF's own
 */
export function addRunStacks(app: App, run: ForgeRun, place?: DeployPlace): readonly TerraformStack[] {
  const stacks = run.config.regions.flatMap(({ name, engine }) =>
    engine === "nomad" ? new ForgeRegion(app, name, { run }).stacks : addEmbedded(app, name, run, place),
  );
  if (place !== undefined) for (const stack of stacks) keepStateBeside(stack, dirname(run.configFile));
  return stacks;
}

function addEmbedded(
  app: App,
  name: string,
  { config, configFile }: ForgeRun,
  place: DeployPlace | undefined,
): readonly TerraformStack[] {
  const folder = dirname(configFile);
  const experiences = Object.values(config.experiences);
  const jobs = config.regions
    .filter((region) => region.name === name && region.manage.includes("jobs"))
    .map((region) => new RegionJobs(app, regionJobsStackId(name), { region, folder, experiences }));
  if (place === undefined) return jobs;
  const embedded = new EmbeddedRegion(app, embeddedRegionStackId(name), {
    region: name,
    configFile,
    forge: place.forge,
    incarnation: regionIncarnation(folder, name),
    revision: configRevision(config, name),
  });
  return [...jobs, embedded];
}

/** The one place of a stack's state, whether `forge` or `cdktf` deploys it. It is for its owner alone. */
function keepStateBeside(stack: TerraformStack, folder: string): void {
  const states = join(folder, ".forge", "terraform");
  mkdirSync(states, { recursive: true, mode: 0o700 });
  new LocalBackend(stack, { path: join(states, stack.node.id, "terraform.tfstate") });
}
