import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { LocalBackend, type App, type TerraformStack } from "cdktf";
import type { ForgeConfig } from "../config/config";
import { configRevision } from "../config/revision";
import { regionIncarnation } from "../infra/embedded/region-record";
import { EmbeddedRegion, embeddedRegionStackId } from "./embedded-region";
import { RegionJobs, regionJobsStackId } from "./region-jobs";

/** Where a deploy of these stacks happens. */
export interface DeployPlace {
  /** The forge.toml: an absolute path. State and what is deployed lie in `.forge` beside it. */
  readonly configFile: string;
  /** The folder of `configFile`. */
  readonly folder: string;
  /** Program and first arguments of the `forge` command. */
  readonly forge: readonly string[];
}

/**
 * Adds the stacks of a run: for each region that lets deploy manage its jobs, `REGION-jobs`; for one on the embedded
 * engine, `REGION-embedded` too.
 *
 * A region on the embedded engine needs no jobs to run, but so `cdktf synth` shows of any forge.toml what a cluster
 * would get. `forge deploy` leaves that stack of it alone.
 *
 * @param place without it there is no `REGION-embedded`, and the backend is CDKTF's own
 */
export function addRunStacks(app: App, config: ForgeConfig, place?: DeployPlace): readonly TerraformStack[] {
  const experiences = Object.values(config.experiences);
  const stacks: TerraformStack[] = config.regions
    .filter(({ manage }) => manage.includes("jobs"))
    .map((region) => new RegionJobs(app, regionJobsStackId(region.name), { region, experiences }));
  if (place === undefined) return stacks;
  for (const { name } of config.regions.filter(({ engine }) => engine === "embedded"))
    stacks.push(
      new EmbeddedRegion(app, embeddedRegionStackId(name), {
        region: name,
        configFile: place.configFile,
        forge: place.forge,
        incarnation: regionIncarnation(place.folder, name),
        revision: configRevision(config, name),
      }),
    );
  for (const stack of stacks) keepStateBeside(stack, place.folder);
  return stacks;
}

/** The one place of a stack's state, whether `forge` or `cdktf` deploys it. It is for its owner alone. */
function keepStateBeside(stack: TerraformStack, folder: string): void {
  const states = join(folder, ".forge", "terraform");
  mkdirSync(states, { recursive: true, mode: 0o700 });
  new LocalBackend(stack, { path: join(states, stack.node.id, "terraform.tfstate") });
}
