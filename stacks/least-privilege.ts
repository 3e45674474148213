import type { ExperienceConfig, RegionConfig } from "../config/config";
import {
  leadersKeys,
  PROGRAM_TASK,
  programJobId,
  programPolicy,
  systemNamespace,
  worldVolumeName,
} from "../config/region-names";
import { vaultPlaces } from "../config/region-vault";
import { consulRule, vaultGrant } from "./program-rights";

/** A namespace's block of a Nomad ACL policy. */
function namespaceRules(namespace: string, capabilities: readonly string[], more = ""): string {
  return `namespace "${namespace}" {\n  capabilities = ${JSON.stringify(capabilities)}\n${more}}\n`;
}

/**
 * What the controller does in Nomad: it starts, watches, reads and ends game servers, and looks at nodes. It can neither
 * change a job nor anything of another namespace. (Its own variables, where the run's secrets may be, it may read anyway.)
 */
export function controllerRules({ nomad }: Pick<RegionConfig, "nomad">): string {
  return `${namespaceRules(nomad.namespace, CONTROLLER_CAPABILITIES)}node {\n  policy = "read"\n}\n`;
}

/**
 * `alloc-lifecycle`: a server that gets no grace is sent SIGKILL. `purge-job`: ended servers leave Nomad's memory. Ending
 * and purging have capabilities of their own as of Nomad 2.0; before, `submit-job` was for both.
 */
const CONTROLLER_CAPABILITIES = [
  "list-jobs",
  "read-job",
  "dispatch-job",
  "deregister-job",
  "purge-job",
  "alloc-lifecycle",
  "read-logs",
  "read-fs",
];

/**
 * What deploying a region with `manage = ["jobs"]` does in Nomad: jobs, the variables that hold the run's secrets, and naming
 * the volumes of worlds in a job.
 */
export function deployRules(region: Pick<RegionConfig, "name" | "nomad" | "manage">): string {
  const programs = systemNamespace(region);
  const variables =
    `  variables {\n    path "nomad/jobs/forge-${region.name}-*" {\n` +
    `      capabilities = ["write", "read", "list", "destroy"]\n    }\n  }\n`;
  const games = region.nomad.namespace === programs ? "" : namespaceRules(region.nomad.namespace, DEPLOY_CAPABILITIES);
  return (
    games +
    namespaceRules(programs, DEPLOY_CAPABILITIES, variables) +
    // Nomad takes no dot in this name; what the star stands for may have them.
    `host_volume "${region.name}*" {\n  policy = "write"\n}\n`
  );
}

const DEPLOY_CAPABILITIES = ["list-jobs", "read-job", "submit-job"];

export interface Policy {
  readonly name: string;
  /** In the system's own language. */
  readonly rules: string;
}

/** What the administrator of a cluster that is somebody else's has to give a region with `manage = ["jobs"]`. */
export interface LeastPrivilege {
  /** For the token that deploys, in Nomad. */
  readonly deploy: Policy;
  /** For the controller's job: bound to it, so that it needs no token. */
  readonly controller: Policy & { readonly jobAcl: readonly string[] };
  /** For the token that deploys, where that Consul has an ACL: to leave nothing behind. */
  readonly consulDeploy: Policy | undefined;
  /** For the token that deploys, where the run's secrets are in Vault. */
  readonly vaultDeploy: Policy | undefined;
  /** The host volumes of the region's worlds. */
  readonly volumes: readonly string[];
}

/** All the rights that a region needs in systems that `manage` lacks. */
export function leastPrivilege(region: RegionConfig, experiences: readonly ExperienceConfig[] = []): LeastPrivilege {
  const deploy = `forge-${region.name}-deploy`;
  const places = region.manage.includes("vault") ? undefined : vaultPlaces(region);
  const here = experiences.filter(({ regions }) => regions.length === 0 || regions.includes(region.name));
  return {
    deploy: { name: deploy, rules: deployRules(region) },
    controller: {
      name: programPolicy(region.name, "controller"),
      rules: controllerRules(region),
      jobAcl: [
        ...["-namespace", systemNamespace(region)],
        ...["-job", programJobId(region.name, "controller")],
        ...["-group", PROGRAM_TASK, "-task", PROGRAM_TASK],
      ],
    },
    consulDeploy:
      region.consul.authMethod === undefined
        ? undefined
        : {
            name: deploy,
            rules: leadersKeys(region.name)
              .map((key) => consulRule("key", key, "write"))
              .join(""),
          },
    vaultDeploy:
      places === undefined
        ? undefined
        : {
            name: deploy,
            rules:
              vaultGrant(`${places.kvMount}/data/${places.kvPath}`, ["create", "read", "update"]) +
              vaultGrant(`${places.kvMount}/metadata/${places.kvPath}`, ["delete"]) +
              (places.pki === undefined ? "" : vaultGrant(`${places.pki.mount}/cert/ca`, ["read"])),
          },
    volumes: here.flatMap(({ id, volumes }) =>
      Object.keys(volumes).map((volume) => worldVolumeName(region.name, id, volume)),
    ),
  };
}
