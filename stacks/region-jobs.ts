import { createHash } from "node:crypto";
import { Job } from "@cdktf/provider-nomad/lib/job";
import { Annotations, type TerraformResource, type TerraformResourceLifecycle } from "cdktf";
import { Construct } from "constructs";
import type { ExperienceConfig, RegionConfig } from "../config/config";
import type { RegionProgram } from "../config/region-names";
import { vaultPlaces } from "../config/region-vault";
import { agentJob } from "../jobs/agent";
import { controllerJob, type ControllerJobProps } from "../jobs/controller";
import { escapeTemplate } from "../jobs/escape";
import { fleetRoleJob, gameServerJob } from "../jobs/game-server";
import { gateJob } from "../jobs/gate";
import type { BundleSource } from "../jobs/program";
import { renderJob } from "../jobs/render";
import type { JobSpec } from "../jobs/spec";
import { commandWords, infraCommand, type InfraProgram } from "./infra-command";
import { addNomadProvider } from "./providers";
import { RegionStack, regionStackId, type RegionStackProps } from "./region-stack";
import { TerraformData } from "./terraform-data";

export interface RegionJobsProps extends RegionStackProps {
  /** The experiences of the run; those that name other regions only are left out. */
  readonly experiences: readonly ExperienceConfig[];
  /**
   * Folder on the nodes that holds Forge's own programs.
   * @default DEFAULT_FORGE_HOME of jobs/game-server
   */
  readonly forgeHome?: string;
  /**
   * Forge's own programs.
   * @default none: only the jobs of game servers, to look at
   */
  readonly programs?: RegionProgramsProps;
}

export interface RegionProgramsProps extends Omit<ControllerJobProps, "region" | "bundle"> {
  /** Where nodes get each program. */
  readonly bundles: Readonly<Record<RegionProgram, BundleSource>>;
  /** Writes the run's secrets where the programs look, when they are not in Vault. */
  readonly infra: InfraProgram;
  /** Ends the region's game servers when the stack is destroyed: program and first arguments, absolute. */
  readonly endServers: readonly string[];
}

/** The id of a region's stack, which is also what `cdktf deploy` is given. */
export function regionJobsStackId(region: string): string {
  return regionStackId(region, "jobs");
}

/**
 * `REGION-jobs`: what runs on a region's Nomad. Forge's own programs, and one parameterized job for the servers of each
 * experience and one for each of its fleet roles; the controller dispatches servers from them, so changing one of those
 * starts and stops nothing.
 *
 * When the stack is destroyed the controller goes first, then every game server, then their jobs, agent and gate: a
 * parameterized job that is purged leaves what was dispatched from it running.
 *
 * Construct ids are a contract: `EXPERIENCE/server`, `EXPERIENCE/ROLE` and `programs/PROGRAM` decide the addresses in the
 * state.
 */
export class RegionJobs extends RegionStack<RegionJobsProps> {
  constructor(scope: Construct, id: string, props: RegionJobsProps) {
    super(scope, id, props, [
      {
        problem: ({ experiences }) =>
          experiences.some(({ id: name }) => name === PROGRAMS)
            ? `an experience is called "${PROGRAMS}", which is where Forge's own programs are: give it another name`
            : undefined,
      },
    ]);
    const { region, programs } = props;
    addNomadProvider(this, this.endpoints.nomad);
    if (region.engine === "embedded") {
      Annotations.of(this).addInfo(
        `region ${region.name} runs on the embedded engine, which needs none of this; ` +
          `these are the jobs for a Nomad at ${region.nomad.address}`,
      );
    }
    const games = addGames(this, props);
    if (programs !== undefined) addPrograms(new Construct(this, PROGRAMS), props, programs, games);
  }
}

const PROGRAMS = "programs";

function addGames(scope: Construct, { region, experiences, forgeHome }: RegionJobsProps): readonly Job[] {
  const here = experiences.filter(({ regions }) => regions.length === 0 || regions.includes(region.name));
  return here.flatMap((experience) => {
    const of = { region, experience, ...(forgeHome === undefined ? {} : { forgeHome }) };
    const jobs = new Construct(scope, experience.id);
    const fleets = experience.roles.filter(({ per }) => per === "fleet");
    return [
      addJob(jobs, "server", gameServerJob(of)),
      ...fleets.map((role) => addJob(jobs, role.name, fleetRoleJob(of, role))),
    ];
  });
}

function addPrograms(
  scope: Construct,
  { region }: RegionJobsProps,
  { bundles, infra, endServers, ...programs }: RegionProgramsProps,
  games: readonly Job[],
): void {
  const of = (program: RegionProgram) => ({ ...programs, region, bundle: bundles[program] });
  const gate = gateJob(of("gate"));
  const secrets = beforePrograms(scope, region, gate.id, infra);
  const onNodes = [
    // A new version is another job: it has to be there before the old one goes.
    addJob(scope, "gate", gate, secrets, { createBeforeDestroy: true }),
    addJob(scope, "agent", agentJob(of("agent")), secrets),
  ];
  const servers = new TerraformData(scope, "servers", {
    triggersReplace: [region.name],
    // The servers end before the agent, which tells the gate so and takes them out of Consul; the gate then has nothing
    // to wait for.
    dependsOn: [...games, ...onNodes],
    provisioners: [
      {
        ...commandWords([...endServers, "--engine", "nomad", "--config", infra.configFile, region.name]),
        when: "destroy",
      },
    ],
  });
  const { forgeToml, forgeTomlFile: file } = programs;
  const config = file === undefined ? [] : [copyForgeToml(scope, { forgeToml, file }, infra)];
  addJob(scope, "controller", controllerJob(of("controller")), [...secrets, ...config, servers]);
}

/**
 * The forge.toml as it was deployed, on this machine, which is the node: what is edited later and not deployed yet must
 * not reach a controller that starts again.
 */
function copyForgeToml(
  scope: Construct,
  { forgeToml, file }: { readonly forgeToml: string; readonly file: string },
  { configFile }: InfraProgram,
): TerraformResource {
  return new TerraformData(scope, "config", {
    triggersReplace: [createHash("sha256").update(forgeToml).digest("hex")],
    provisioners: [commandWords(["install", "-D", "-m", "600", configFile, file])],
  });
}

/**
 * By a program of ours, since Terraform must not see them: the run's secrets, where the stack of a Vault of ours does not
 * put them. And on hosts of others, last of all when the stack is destroyed, what the programs have left there.
 */
function beforePrograms(
  scope: Construct,
  region: RegionConfig,
  gateJob: string,
  infra: InfraProgram,
): readonly TerraformResource[] {
  const { name, manage, hosts } = region;
  const forget =
    hosts === "local"
      ? []
      : [
          new TerraformData(scope, "forget", {
            triggersReplace: [name],
            provisioners: [infraCommand(infra, "forget", name, { when: "destroy" })],
          }),
        ];
  if (manage.includes("vault")) return forget;
  const place = vaultPlaces(region);
  if (place === undefined) return [...forget, addSecrets(scope, name, gateJob, infra)];
  const secrets = new TerraformData(scope, "secrets", {
    triggersReplace: [name, place.kvMount],
    dependsOn: [...forget],
    provisioners: [infraCommand(infra, "secrets", name)],
  });
  return [...forget, secrets];
}

/**
 * Into the variables of the programs' jobs. What takes them away is a resource of its own: with each version of the gate
 * the other one is replaced.
 */
function addSecrets(scope: Construct, region: string, gateJob: string, infra: InfraProgram): TerraformResource {
  const removal = new TerraformData(scope, "secrets-removal", {
    triggersReplace: [region],
    provisioners: [infraCommand(infra, "secrets", region, { options: ["--remove"], when: "destroy" })],
  });
  return new TerraformData(scope, "secrets", {
    triggersReplace: [region, gateJob],
    dependsOn: [removal],
    provisioners: [infraCommand(infra, "secrets", region, { options: ["--gate-job", gateJob] })],
  });
}

function addJob(
  scope: Construct,
  id: string,
  spec: JobSpec,
  dependsOn: readonly TerraformResource[] = [],
  lifecycle?: TerraformResourceLifecycle,
): Job {
  return new Job(scope, id, {
    jobspec: escapeTemplate(JSON.stringify(renderJob(spec))),
    json: true,
    purgeOnDestroy: true,
    deregisterOnIdChange: true,
    ...(dependsOn.length === 0 ? {} : { dependsOn: [...dependsOn] }),
    ...(lifecycle === undefined ? {} : { lifecycle }),
  });
}
