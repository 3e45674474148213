import { Job } from "@cdktf/provider-nomad/lib/job";
import { NomadProvider } from "@cdktf/provider-nomad/lib/provider";
import { Annotations, TerraformStack, Token } from "cdktf";
import { Construct } from "constructs";
import type { ExperienceConfig, RegionConfig } from "../config/config";
import { escapeTemplate } from "../jobs/escape";
import { fleetRoleJob, gameServerJob } from "../jobs/game-server";
import { renderJob } from "../jobs/render";
import type { JobSpec } from "../jobs/spec";

export interface RegionJobsProps {
  /** The region whose Nomad gets the jobs: its address, namespace and datacenters. */
  readonly region: RegionConfig;
  /** The experiences of the run; those that name other regions only are left out. */
  readonly experiences: readonly ExperienceConfig[];
  /**
   * Folder on the nodes that holds Forge's own programs.
   * @default DEFAULT_FORGE_HOME of jobs/game-server
   */
  readonly forgeHome?: string;
}

/** The id of a region's stack, which is also what `cdktf deploy` is given. */
export function regionJobsStackId(region: string): string {
  return `${region}-jobs`;
}

/**
 * `REGION-jobs`: what Nomad has to know of a region's experiences. One parameterized job for the servers of each
 * experience and one for each of its fleet roles; the controller dispatches servers from them, so deploying or changing
 * this stack starts and stops nothing.
 *
 * Construct ids are a contract: `EXPERIENCE/server` and `EXPERIENCE/ROLE` decide the addresses in the state.
 */
export class RegionJobs extends TerraformStack {
  constructor(scope: Construct, id: string, props: RegionJobsProps) {
    super(scope, id);
    const { region, experiences, forgeHome } = props;
    // No token: the provider reads NOMAD_TOKEN, and so none gets into state or cdktf.out.
    new NomadProvider(this, "nomad", { address: escapeTemplate(region.nomad.address) });
    if (region.engine === "embedded") {
      Annotations.of(this).addInfo(
        `region ${region.name} runs on the embedded engine, which needs none of this; ` +
          `these are the jobs for a Nomad at ${region.nomad.address}`,
      );
    }
    for (const experience of experiences.filter(
      ({ regions }) => regions.length === 0 || regions.includes(region.name),
    )) {
      const of = { region, experience, ...(forgeHome === undefined ? {} : { forgeHome }) };
      const jobs = new Construct(this, experience.id);
      addJob(jobs, "server", gameServerJob(of));
      for (const role of experience.roles.filter(({ per }) => per === "fleet")) {
        addJob(jobs, role.name, fleetRoleJob(of, role));
      }
    }
  }
}

function addJob(scope: Construct, id: string, spec: JobSpec): void {
  const jobspec = JSON.stringify(renderJob(spec));
  // A value known only when deployed would blank out the whole job in the plan.
  if (Token.isUnresolved(jobspec)) throw new Error(`job ${spec.id}: its text holds a CDKTF token, and must not`);
  new Job(scope, id, {
    jobspec: escapeTemplate(jobspec),
    json: true,
    purgeOnDestroy: true,
    deregisterOnIdChange: true,
  });
}
