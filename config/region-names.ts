import type { RegionConfig } from "./config";
import { NAME } from "./names";

/**
 * What a region's things are called in Nomad, Consul and Vault. Stacks, controller, agent and commands all derive a name
 * from forge.toml by these functions, so that none of them reads another's state. docs/nomad-region.md shows the map.
 *
 * Region, experience and role names hold no dot, so the dots keep any two job ids apart.
 */

/** The parameterized job of an experience's servers in a region. */
export function gameServerJobId(region: string, experienceId: string): string {
  return [checked(region), "gameserver", checked(experienceId)].join(".");
}

/** The parameterized job of a fleet role's servers in a region. */
export function fleetRoleJobId(region: string, experienceId: string, role: string): string {
  return [gameServerJobId(region, experienceId), checked(role)].join(".");
}

/** The host volume that keeps a world's data in a region. */
export function worldVolumeName(region: string, experienceId: string, volume: string): string {
  return [checked(region), checked(experienceId), checked(volume)].join(".");
}

/** Forge's own programs that run as Nomad jobs: one job for each, but the gate's (`gateJobId`). */
export type RegionProgram = "controller" | "agent" | "gate";

/**
 * The job of one of Forge's own programs in a region. No dots: a job's own variables lie at `nomad/jobs/JOB`, and Nomad
 * takes letters, digits, `-`, `_`, `~` and `/` there.
 */
export function programJobId(region: string, program: RegionProgram): string {
  return ["forge", checked(region), program].join("-");
}

/**
 * The job of one version of the gate: versions stand beside each other, so each is a job of its own.
 * @param version tells it from all others: hexadecimal digits, as `gateJob` makes it
 */
export function gateJobId(region: string, version: string): string {
  return `${programJobId(region, "gate")}-${version}`;
}

/** Whether a job is one of a program's: of the gate's, any version. */
export function isProgramJob(jobId: string, region: string, program: RegionProgram): boolean {
  const id = programJobId(region, program);
  // Another region's name may begin with this one's and "gate".
  return program === "gate"
    ? jobId.startsWith(`${id}-`) && /^[0-9a-f]+$/.test(jobId.slice(id.length + 1))
    : jobId === id;
}

/**
 * Seconds that a gate which has to go may stay with its servers: longer than a match, and long for a world. Nomad's
 * clients have to allow it (`max_kill_timeout`, 30 s unless set).
 */
export const GATE_STAYS_SECS = 30 * 24 * 3600;

/** The task of a program's job; its workload identity and its ACL policy name it. */
export const PROGRAM_TASK = "forge";

/**
 * Where Forge's own programs run: beside the games' namespace, because only it may use `raw_exec`. On a cluster whose
 * namespaces are not ours to make it is the games' namespace, unless forge.toml names another.
 */
export function systemNamespace({ nomad, manage }: Pick<RegionConfig, "nomad" | "manage">): string {
  return nomad.programsNamespace ?? (manage.includes("nomad") ? `${nomad.namespace}-forge` : nomad.namespace);
}

/** Folder on each node for what outlives Forge's programs there; on hosts = local it is in the region's own. */
export function nodeFolder({ name, nodeFolder: own }: Pick<RegionConfig, "name" | "nodeFolder">): string {
  return own ?? `/var/lib/forge/${checked(name)}`;
}

/** Of a program's ACL policy in Nomad and Consul, its Consul role, and its Vault policy. */
export function programPolicy(region: string, program: RegionProgram): string {
  return ["forge", checked(region), program].join("-");
}

/** Consul service: the controllers' HTTP API, every replica. */
export function controllerService(region: string): string {
  return `forge-controller-${checked(region)}`;
}

/** Consul service: where agents dial the controllers, every replica. */
export function agentLinkService(region: string): string {
  return `forge-agents-${checked(region)}`;
}

/** Consul prepared query by which DNS finds a controller that is well: `NAME.query.consul`. */
export function controllerQuery(region: string): string {
  return `forge-api-${checked(region)}`;
}

/** Consul service of one game server. */
export function gameServerService(serverId: string): string {
  return `gameserver-${serverId}`;
}

/** Consul KV: everything of a region lies below it. */
export function kvPrefix(region: string): string {
  return `forge/${checked(region)}/`;
}

/** Consul KV: the region's live configuration, the text of a forge.toml. */
export function configKey(region: string): string {
  return `${kvPrefix(region)}config`;
}

/** Consul KV: the region's shift away from an Agones cluster, JSON, written by CAS by the leader. */
export function shiftKey(region: string): string {
  return `${kvPrefix(region)}shift`;
}

/** Consul KV: how far rollouts are and which policies were put, JSON, written by CAS by the leader. */
export function fleetsKey(region: string): string {
  return `${kvPrefix(region)}fleets`;
}

/** Consul KV: the lock that the leading controller holds; its value names the leader. */
export function leaderKey(region: string): string {
  return `${kvPrefix(region)}leader`;
}

/** Consul KV: the highest epoch that a leader has used, a decimal number; written by CAS under the lock. */
export function epochKey(region: string): string {
  return `${kvPrefix(region)}epoch`;
}

/** Every key of Consul's that the region's leaders write. They go with the region. */
export function leadersKeys(region: string): readonly string[] {
  return [shiftKey(region), fleetsKey(region), leaderKey(region), epochKey(region)];
}

/** Consul auth method by which a region's Nomad workloads log in. */
export function consulAuthMethod(region: string): string {
  return `forge-${checked(region)}`;
}

/** Vault auth mount (below `auth/`) by which a region's Nomad workloads log in. */
export function vaultAuthMount(region: string): string {
  return `forge-${checked(region)}`;
}

/** Vault KV v2 mount of a region. */
export function vaultKvMount(region: string): string {
  return `forge-${checked(region)}-kv`;
}

/** Path in `vaultKvMount`, and below `nomad/jobs/JOB` the item names, of the run's secrets: `shared`, `ticket`, `token`. */
export const RUN_SECRETS_PATH = "run";

/** Vault PKI mount that issues a region's certificates. */
export function vaultPkiMount(region: string): string {
  return `forge-${checked(region)}-pki`;
}

/** Vault transit mount of a region. */
export function vaultTransitMount(region: string): string {
  return `forge-${checked(region)}-transit`;
}

/** Vault policy of what all programs of a region may do, each in a place of its own. */
export function vaultOwnPolicy(region: string): string {
  return `forge-${checked(region)}-own`;
}

/** Vault audit device of a region. */
export function vaultAuditDevice(region: string): string {
  return `forge-${checked(region)}-audit`;
}

/** Role of `vaultPkiMount` that a region's programs get certificates by. */
export const PKI_ROLE = "program";

/** Key of `vaultTransitMount`. */
export const TRANSIT_KEY = "run";

/** `aud` of the identity tokens that Nomad signs for each system. */
export const CONSUL_AUDIENCE = "consul.io";
export const VAULT_AUDIENCE = "vault.io";

function checked(name: string): string {
  if (NAME.test(name)) return name;
  throw new RangeError(
    `"${name}" is not a name that jobs can carry: lower-case letters, digits and hyphens, at most 32`,
  );
}
