import type { ExperienceConfig, RoleConfig } from "../config/config";

/**
 * What a dispatch tells a server: the meta that the controller gives to every launch. `labels`, `annotations` and the
 * rest are for a later controller that finds the server running; a server may read them as NOMAD_META_….
 */
export const META_REQUIRED = ["serverId", "experienceId", "version", "role", "maxPlayers"] as const;
export const META_OPTIONAL = [
  "sdkToken",
  "mods",
  "labels",
  "annotations",
  "clients",
  "createdAtMs",
  "wantedUntilMs",
  "replaces",
] as const;

/** A dispatch brings the addresses of a fleet role's servers in this optional meta key. */
export function roleMetaKey(role: string): string {
  return `role_${role.replaceAll("-", "_")}`;
}

export interface ServerEnvironment {
  readonly region: string;
  readonly experience: ExperienceConfig;
  /** Folder on the nodes that holds what Forge brings along (`dist/`). */
  readonly forgeHome: string;
  /** Labels of the group's ports. */
  readonly ports: readonly string[];
  /** Volume name to the path it is mounted at. */
  readonly volumes: Readonly<Record<string, string>>;
}

/**
 * The `FORGE_…` variables of a task, each from what Nomad knows when the server starts. They are the same that the
 * embedded engine sets, so that one server runs on both.
 *
 * @param role the role whose task it is; undefined for the primary
 */
export function forgeEnvironment(
  of: ServerEnvironment,
  role: RoleConfig | undefined,
): Readonly<Record<string, string>> {
  const { experience, ports, volumes } = of;
  const fleetRoles = experience.roles.filter(({ per }) => per === "fleet");
  const sdk = ports.includes("sdk")
    ? { FORGE_SDK_URL: "http://127.0.0.1:${NOMAD_PORT_sdk}", FORGE_SDK_TOKEN: "${NOMAD_META_sdkToken}" }
    : {};
  // The gate answers both on the SDK's one port: the first bytes tell them apart.
  const agones =
    experience.sdk === "agones"
      ? { AGONES_SDK_GRPC_PORT: "${NOMAD_PORT_sdk}", AGONES_SDK_HTTP_PORT: "${NOMAD_PORT_sdk}" }
      : {};
  return {
    FORGE_HOME: of.forgeHome,
    FORGE_SERVER_ID: "${NOMAD_META_serverId}",
    FORGE_ALLOCATION_ID: "${NOMAD_ALLOC_ID}",
    FORGE_REGION: of.region,
    FORGE_EXPERIENCE: "${NOMAD_META_experienceId}",
    FORGE_VERSION: "${NOMAD_META_version}",
    FORGE_ROLE: role === undefined ? "${NOMAD_META_role}" : role.name,
    FORGE_MAX_PLAYERS: "${NOMAD_META_maxPlayers}",
    FORGE_MODS: experience.mods.join(","),
    ...(experience.clients === undefined ? {} : { FORGE_CLIENTS: "${NOMAD_META_clients}" }),
    ...sdk,
    ...agones,
    ...entries(ports, (name) => [`FORGE_PORT_${variable(name)}`, `\${NOMAD_PORT_${name}}`]),
    ...entries(Object.keys(volumes), (name) => [`FORGE_VOLUME_${variable(name)}`, volumes[name] ?? ""]),
    ...entries(fleetRoles, ({ name }) => [`FORGE_ROLE_${variable(name)}`, `\${NOMAD_META_${roleMetaKey(name)}}`]),
  };
}

function entries<Item>(items: readonly Item[], entry: (item: Item) => [string, string]): Record<string, string> {
  return Object.fromEntries(items.map(entry));
}

function variable(name: string): string {
  return name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_");
}

/**
 * Writes `${FORGE_…}` out. Nomad replaces variables in `env` in no order, so one of ours that refers to another of ours
 * would now and then be left as it stands.
 */
export function writeOut(text: string, forge: Readonly<Record<string, string>>): string {
  return text.replace(/\$\{(FORGE_[A-Z0-9_]+)\}/g, (reference, name: string) => forge[name] ?? reference);
}

/** What Nomad replaces: its own variables, the node's values, and the task's own environment. */
const NOMAD_REFERENCE = /^(?:NOMAD_[A-Za-z0-9_]+|(?:node|attr|meta)\.[A-Za-z0-9_.-]+)$/;

/**
 * A string of a driver's `config`, where Nomad's client evaluates every `${…}` and `%{…}` as HCL and fails the task at
 * one it does not know. What Nomad can replace stays; anything else reaches the program as it was written.
 */
export function driverText(text: string, env: Readonly<Record<string, string>>): string {
  // A name holds no opening of its own: "${$${x}" is two openings, not one reference.
  return text.replace(/\$\{([^${}%]*)\}|\$\{|%\{/g, (opening, name: string | undefined) => {
    const known = name !== undefined && (NOMAD_REFERENCE.test(name) || Object.hasOwn(env, name));
    return known ? opening : `${opening[0] ?? ""}${opening}`;
  });
}
