import type { App, TerraformStack } from "cdktf";
import type { ForgeConfig } from "../config/config";
import { RegionJobs, regionJobsStackId } from "./region-jobs";

/**
 * Adds the stacks of a run: for each region that lets deploy manage its jobs, `REGION-jobs`.
 *
 * A region on the embedded engine gets its stack too. It needs no deploy to run, but so `cdktf synth` shows of any
 * forge.toml what a cluster would get, and moving a region to Nomad changes no name.
 */
export function addRunStacks(app: App, config: ForgeConfig): readonly TerraformStack[] {
  const experiences = Object.values(config.experiences);
  return config.regions
    .filter(({ manage }) => manage.includes("jobs"))
    .map((region) => new RegionJobs(app, regionJobsStackId(region.name), { region, experiences }));
}
