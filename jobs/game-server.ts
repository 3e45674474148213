import type { ExperienceConfig, PortConfig, RegionConfig, RoleConfig } from "../config/config";
import { fleetRoleJobId, gameServerJobId, worldVolumeName } from "../config/region-names";
import { regionConstraints } from "./region-constraints";
import {
  driverText,
  forgeEnvironment,
  META_OPTIONAL,
  META_REQUIRED,
  roleMetaKey,
  writeOut,
  type ServerEnvironment,
} from "./server-environment";
import type { DisconnectSpec, GroupSpec, JobSpec, PortSpec, TaskSpec } from "./spec";

/** The task that players join. */
const PRIMARY = "server";

/** Where the nodes keep what Forge brings along, unless told otherwise. */
export const DEFAULT_FORGE_HOME = "/opt/forge";

export interface GameServerJobProps {
  readonly region: Pick<RegionConfig, "name" | "datacenters" | "nomad" | "pools" | "constraints">;
  readonly experience: ExperienceConfig;
  /**
   * Folder on the nodes that holds Forge's own programs; what `${FORGE_HOME}` means there.
   * @default DEFAULT_FORGE_HOME
   */
  readonly forgeHome?: string;
}

/**
 * One server is one dispatch of a parameterized batch job: Nomad never restarts, moves or replaces it, because only the
 * controller knows who plays there. The job has no service, template, vault or consul block: with one of them no server
 * would start while Consul or Vault is down. Its ports are on the node's network, where SDKs dial localhost.
 */
const RESTART = { attempts: 0, mode: "fail" } as const;
const RESCHEDULE = { attempts: 0, unlimited: false } as const;
/** A server whose node is out of reach may still have its players on: it is kept, and it is never doubled. */
const DISCONNECT: DisconnectSpec = { lostAfterSecs: 600, replace: false, reconcile: "keep_original" };
const LOGS = { maxFiles: 2, maxFileSizeMb: 10 };

/** The job that one server of an experience is dispatched from, with a task beside it for each `per = "server"` role. */
export function gameServerJob(props: GameServerJobProps): JobSpec {
  const { region, experience } = props;
  const beside = experience.roles.filter(({ per }) => per === "server");
  const ports = groupPorts([experience.ports, ...beside.map((role) => role.ports)], experience);
  const context = environmentOf(props, ports, experience.volumes);
  const primary = taskOf({ ...experience, name: PRIMARY }, experience, context, undefined);
  const tasks = [primary, ...beside.map((role) => taskOf(role, experience, context, role))];
  const volumes = Object.entries(experience.volumes).map(([name, destination]) => ({
    name,
    source: worldVolumeName(region.name, experience.id, name),
    destination,
  }));
  return jobOf(props, gameServerJobId(region.name, experience.id), {
    ...groupOf("primary", experience, ports, tasks),
    volumes,
  });
}

/** The job that one server of a `per = "fleet"` role is dispatched from: no seats, found by the others through their environment. */
export function fleetRoleJob(props: GameServerJobProps, role: RoleConfig): JobSpec {
  const { region, experience } = props;
  const ports = groupPorts([role.ports], experience);
  const task = { ...taskOf(role, experience, environmentOf(props, ports, {}), role), leader: true };
  const id = fleetRoleJobId(region.name, experience.id, role.name);
  return jobOf(props, id, groupOf(role.name, experience, ports, [task]));
}

function jobOf({ region, experience }: GameServerJobProps, id: string, group: GroupSpec): JobSpec {
  const roles = experience.roles.filter(({ per }) => per === "fleet").map(({ name }) => roleMetaKey(name));
  const metaOptional = [...META_OPTIONAL, ...roles];
  return {
    id,
    type: "batch",
    ...(experience.priority === 50 ? {} : { priority: experience.priority }),
    namespace: region.nomad.namespace,
    datacenters: region.datacenters,
    nodePool: region.pools.games,
    ...(Object.keys(region.constraints).length === 0 ? {} : { constraints: regionConstraints(region) }),
    // Empty where a dispatch says nothing: a reference to meta that is not there would stay as it is written.
    meta: { region: region.name, ...Object.fromEntries(metaOptional.map((key) => [key, ""])) },
    parameterized: { metaRequired: META_REQUIRED, metaOptional },
    groups: [group],
  };
}

function groupOf(
  name: string,
  experience: ExperienceConfig,
  ports: readonly PortSpec[],
  tasks: readonly TaskSpec[],
): GroupSpec {
  return {
    name,
    count: 1,
    network: { mode: experience.network ?? "host", ports },
    restart: RESTART,
    reschedule: RESCHEDULE,
    disconnect: DISCONNECT,
    // Nomad wants the logs to fit in with room to spare.
    diskMb: 50 + tasks.length * LOGS.maxFiles * LOGS.maxFileSizeMb * 2,
    volumes: [],
    tasks,
  };
}

/** All ports of a group, and with an SDK the one that the gate listens on for this server. */
function groupPorts(
  sets: readonly Readonly<Record<string, PortConfig>>[],
  { sdk }: ExperienceConfig,
): readonly PortSpec[] {
  const own = sets.flatMap((ports) => Object.entries(ports).map(([label, port]) => ({ label, static: port.static })));
  return sdk === "none" ? own : [...own, { label: "sdk", static: undefined }];
}

function environmentOf(
  { region, experience, forgeHome = DEFAULT_FORGE_HOME }: GameServerJobProps,
  ports: readonly PortSpec[],
  volumes: Readonly<Record<string, string>>,
): ServerEnvironment {
  return { region: region.name, experience, forgeHome, ports: ports.map(({ label }) => label), volumes };
}

type Program = Pick<ExperienceConfig, "command" | "image" | "driver" | "args" | "env" | "cpu" | "memory"> & {
  readonly name: string;
  readonly cores?: number | undefined;
};

function taskOf(
  program: Program,
  experience: ExperienceConfig,
  context: ServerEnvironment,
  role: RoleConfig | undefined,
): TaskSpec {
  const forge = forgeEnvironment(context, role);
  const own = Object.entries(program.env).map(([name, value]) => [name, writeOut(value, forge)]);
  const env = { ...Object.fromEntries(own), ...forge } as Record<string, string>;
  const primary = role === undefined;
  return {
    name: program.name,
    driver: program.driver,
    config: driverConfig(program, experience, (text) => driverText(writeOut(text, forge), env)),
    env,
    resources: { cpu: program.cpu, cores: program.cores, memory: program.memory },
    logs: LOGS,
    killSignal: experience.stop.signal,
    killTimeoutSecs: experience.stop.graceSecs,
    leader: primary,
    volumes: primary ? Object.keys(context.volumes) : [],
  };
}

/** An image whose tag is the version is pulled in the version of each server, so that one job serves a rollout and its way back. */
function versionedImage(image: string, version: string | undefined): string {
  const tag = `:${version ?? ""}`;
  return version !== undefined && image.endsWith(tag) ? `${image.slice(0, -tag.length)}:\${NOMAD_META_version}` : image;
}

function driverConfig(
  program: Program,
  experience: ExperienceConfig,
  text: (value: string) => string,
): TaskSpec["config"] {
  const { driver, args } = program;
  const image = text(versionedImage(program.image ?? "", program.name === PRIMARY ? experience.version : undefined));
  const command = text(program.command ?? "");
  const rest = { args: args.map(text) };
  // Docker would otherwise give the container a network of its own beside the group's.
  const network = experience.network === "bridge" ? {} : { network_mode: "host" };
  if (driver === "docker") return { image, ...network, ...rest };
  return driver === "java" ? { jar_path: command, ...rest } : { command, ...rest };
}
