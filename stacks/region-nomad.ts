import { AclPolicy } from "@cdktf/provider-nomad/lib/acl-policy";
import { DynamicHostVolume } from "@cdktf/provider-nomad/lib/dynamic-host-volume";
import { Namespace } from "@cdktf/provider-nomad/lib/namespace";
import { NodePool } from "@cdktf/provider-nomad/lib/node-pool";
import { SchedulerConfig } from "@cdktf/provider-nomad/lib/scheduler-config";
import type { TerraformResource } from "cdktf";
import { Construct } from "constructs";
import type { ExperienceConfig, RegionConfig } from "../config/config";
import { PROGRAM_TASK, programJobId, programPolicy, systemNamespace, worldVolumeName } from "../config/region-names";
import { controllerRules } from "./least-privilege";
import { addNomadProvider } from "./providers";
import { RegionStack, type RegionStackProps } from "./region-stack";

export interface RegionNomadProps extends RegionStackProps {
  /** The experiences of the run; volumes of worlds that run here are made. */
  readonly experiences: readonly ExperienceConfig[];
}

/**
 * `REGION-nomad`: what a region needs of its Nomad beside jobs. The namespaces of games and of Forge's programs with the
 * drivers that each may use, node pools, the controller's rights, how the scheduler places, and the volumes of worlds.
 *
 * Construct ids are a contract: they decide the addresses in the state.
 */
export class RegionNomad extends RegionStack<RegionNomadProps> {
  constructor(scope: Construct, id: string, props: RegionNomadProps) {
    super(scope, id, props, [
      {
        problem: ({ region }) =>
          region.manage.includes("nomad")
            ? undefined
            : `region ${region.name} has no "nomad" in manage: its namespaces are not ours to make`,
      },
    ]);
    const { region, experiences } = props;
    addNomadProvider(this, this.endpoints.nomad);
    const games = addNamespaces(this, region);
    const pools = addPools(this, region);
    addScheduler(this);
    new AclPolicy(this, "controller", {
      name: programPolicy(region.name, "controller"),
      description: `Forge's controller of ${region.name}`,
      rulesHcl: controllerRules(region),
      jobAcl: {
        namespace: systemNamespace(region),
        jobId: programJobId(region.name, "controller"),
        group: PROGRAM_TASK,
        task: PROGRAM_TASK,
      },
    });
    const volumes = new Construct(this, "volumes");
    for (const experience of experiences) {
      if (experience.regions.length === 0 || experience.regions.includes(region.name)) {
        addVolumes(volumes, region, experience, [games, ...pools]);
      }
    }
  }
}

/** A game is anybody's program; `raw_exec` would give it the rights of Nomad itself, so only one's own machine has it. */
const GAME_DRIVERS = ["docker", "exec", "java"];

function addNamespaces(scope: Construct, region: RegionConfig): TerraformResource {
  const of = new Construct(scope, "namespaces");
  const games = new Namespace(of, "games", {
    name: region.nomad.namespace,
    description: `Game servers of Forge's region ${region.name}`,
    capabilities: { enabledTaskDrivers: region.hosts === "local" ? [...GAME_DRIVERS, "raw_exec"] : GAME_DRIVERS },
  });
  new Namespace(of, "system", {
    name: systemNamespace(region),
    description: `Forge's own programs in region ${region.name}`,
    capabilities: { enabledTaskDrivers: ["raw_exec"] },
  });
  return games;
}

/** `default` is there anyway. Nodes say themselves which pool they are in. */
function addPools(scope: Construct, { name, pools }: RegionConfig): readonly TerraformResource[] {
  const of = new Construct(scope, "pools");
  const named = [...new Set([pools.games, pools.control])].filter((pool) => pool !== "default");
  return named.map((pool) => {
    const use = [...(pool === pools.games ? ["game servers"] : []), ...(pool === pools.control ? ["controllers"] : [])];
    return new NodePool(of, pool, { name: pool, description: `Nodes for ${use.join(" and ")} of Forge, ${name}` });
  });
}

/** Of the whole Nomad. Preemption would end a match to make room for another. */
function addScheduler(scope: Construct): void {
  new SchedulerConfig(scope, "scheduler", {
    schedulerAlgorithm: "binpack",
    memoryOversubscriptionEnabled: false,
    preemptionConfig: {
      system_scheduler_enabled: false,
      sysbatch_scheduler_enabled: false,
      batch_scheduler_enabled: false,
      service_scheduler_enabled: false,
    },
  });
}

/** A world's data lies on one node, where its server then always runs. It goes with the stack. */
function addVolumes(
  scope: Construct,
  region: RegionConfig,
  experience: ExperienceConfig,
  after: readonly TerraformResource[],
): void {
  const volumes = Object.keys(experience.volumes);
  if (volumes.length === 0) return;
  const of = new Construct(scope, experience.id);
  for (const volume of volumes) {
    new DynamicHostVolume(of, volume, {
      name: worldVolumeName(region.name, experience.id, volume),
      namespace: region.nomad.namespace,
      pluginId: "mkdir",
      nodePool: region.pools.games,
      capability: [{ accessMode: "single-node-writer", attachmentMode: "file-system" }],
      dependsOn: [...after],
    });
  }
}
