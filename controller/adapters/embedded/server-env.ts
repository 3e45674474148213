import type { ServerLaunch, TaskLaunch } from "../../engine";
import { interpolate } from "./interpolate";

/** What is known of a server once it is placed. */
export interface Placing {
  readonly allocationId: string;
  readonly region: string;
  readonly address: string;
  readonly ports: Readonly<Record<string, number>>;
  /** Where Forge is installed. */
  readonly home: string;
  readonly allocDir: string;
  /** Volume name to the folder that holds it. */
  readonly volumes: Readonly<Record<string, string>>;
}

export interface TaskFolders {
  readonly taskDir: string;
  readonly secretsDir: string;
}

export interface TaskProgram {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** References to names that there are none of here; they stay as they were written. */
  readonly unknown: readonly string[];
}

/**
 * What a server inherits of Forge's own environment. Anything else might be a secret of Forge's (tokens of Vault, Nomad,
 * a cloud) that a game has no business with. The last one marks the processes of a test run.
 */
const INHERITED = [
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "SHELL",
  "LANG",
  "LANGUAGE",
  "LC_ALL",
  "TZ",
  "TMPDIR",
  "JAVA_HOME",
  "FORGE_TEST_SUMMARY",
];

/** Arguments and environment of one task, with every `${NOMAD_…}` and `${FORGE_…}` replaced. */
export function taskProgram(
  launch: ServerLaunch,
  task: TaskLaunch,
  placing: Placing & TaskFolders,
  outer: Readonly<Record<string, string | undefined>>,
): TaskProgram {
  const given = { ...forgeVariables(launch, task, placing), ...nomadVariables(launch, task, placing) };
  const unknown = new Set<string>();
  const fill = (text: string): string => {
    const filled = interpolate(text, { ...given, ...own });
    for (const name of filled.unknown) unknown.add(name);
    return filled.text;
  };
  // What a task sets itself wins, and may be referred to as well.
  const own: Record<string, string> = {};
  for (const [name, text] of Object.entries(task.env)) own[name] = fill(text);
  const args = task.args.map(fill);
  return { args, env: { ...inherited(outer), ...given, ...own }, unknown: [...unknown] };
}

function inherited(outer: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    INHERITED.flatMap((name) => {
      const value = outer[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function forgeVariables(launch: ServerLaunch, task: TaskLaunch, placing: Placing): Record<string, string> {
  const { serverId, region, experienceId, version, meta } = launch;
  const sdk = placing.ports.sdk;
  const isPrimary = task === launch.tasks[0];
  return {
    FORGE_HOME: placing.home,
    FORGE_SERVER_ID: serverId,
    FORGE_ALLOCATION_ID: placing.allocationId,
    FORGE_REGION: region,
    FORGE_EXPERIENCE: experienceId,
    FORGE_VERSION: version,
    FORGE_ROLE: isPrimary ? launch.role : task.name,
    ...(sdk === undefined ? {} : { FORGE_SDK_URL: `http://127.0.0.1:${sdk}` }),
    ...(meta.sdkToken === undefined ? {} : { FORGE_SDK_TOKEN: meta.sdkToken }),
    ...(meta.maxPlayers === undefined ? {} : { FORGE_MAX_PLAYERS: meta.maxPlayers }),
    ...named(placing.ports, (name) => `FORGE_PORT_${variableName(name).toUpperCase()}`),
    ...named(placing.volumes, (name) => `FORGE_VOLUME_${variableName(name).toUpperCase()}`),
  };
}

function nomadVariables(
  launch: ServerLaunch,
  task: TaskLaunch,
  placing: Placing & TaskFolders,
): Record<string, string> {
  const { address, ports, allocationId, region, allocDir, taskDir, secretsDir } = placing;
  const addresses = Object.fromEntries(Object.keys(ports).map((name) => [name, address]));
  const pairs = Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, `${address}:${port}`]));
  return {
    NOMAD_ALLOC_ID: allocationId,
    NOMAD_ALLOC_NAME: `${launch.experienceId}.${launch.role}[0]`,
    NOMAD_ALLOC_INDEX: "0",
    NOMAD_JOB_ID: launch.serverId,
    NOMAD_JOB_NAME: launch.experienceId,
    NOMAD_GROUP_NAME: launch.role,
    NOMAD_TASK_NAME: task.name,
    NOMAD_REGION: region,
    NOMAD_DC: "local",
    NOMAD_ALLOC_DIR: allocDir,
    NOMAD_TASK_DIR: taskDir,
    NOMAD_SECRETS_DIR: secretsDir,
    NOMAD_CPU_LIMIT: `${task.cpu}`,
    NOMAD_MEMORY_LIMIT: `${task.memory}`,
    ...named(ports, (name) => `NOMAD_PORT_${variableName(name)}`),
    ...named(ports, (name) => `NOMAD_HOST_PORT_${variableName(name)}`),
    ...named(addresses, (name) => `NOMAD_IP_${variableName(name)}`),
    ...named(pairs, (name) => `NOMAD_ADDR_${variableName(name)}`),
    ...named(launch.meta, (name) => `NOMAD_META_${variableName(name)}`),
  };
}

function named(
  values: Readonly<Record<string, string | number>>,
  rename: (name: string) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [rename(name), `${value}`]));
}

/** As Nomad does it: what a shell would not take in a variable's name becomes `_`. */
function variableName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_]/g, "_");
}
