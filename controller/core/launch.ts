import type { ExperienceConfig, RoleConfig } from "../../config/config";
import type { ExpectedHealth, ExpectedServer } from "../../protocol/messages";
import type { EngineServer, PortLaunch, ServerLaunch, TaskLaunch } from "../engine";
import type { Fleet } from "./fleet";
import { isPrimary, newServer, type GameServer } from "./game-server";
import type { CoreState } from "./state";

/** A server's meta may be 8 KiB in all; labels and annotations get half of it. */
export const LABEL_BYTES = 4096;
/** Where an experience that forge.toml has no longer is stopped. */
const RETIRED_STOP = { command: undefined, signal: "SIGTERM", graceSecs: 10 };

/** All that an engine needs to run this server, and all that a later controller needs to know it again. */
export function launchOf(s: CoreState, fleet: Fleet, config: ExperienceConfig, server: GameServer): ServerLaunch {
  const role = config.roles.find(({ name, per }) => per === "fleet" && name === server.role);
  const env = forgeEnv(s, fleet, server);
  return {
    serverId: server.id,
    region: s.settings.region,
    experienceId: server.experienceId,
    version: server.version,
    role: server.role,
    tasks: role ? [roleTask(role, env, server.role)] : serverTasks(config, server, env),
    ports: role ? portsOf([role.ports], config.sdk !== "none") : serverPorts(config),
    volumes: role ? {} : config.volumes,
    stop: config.stop,
    avoidNodes: isolatedNodes(s),
    meta: metaOf(server),
  };
}

function serverTasks(
  config: ExperienceConfig,
  server: GameServer,
  env: Readonly<Record<string, string>>,
): TaskLaunch[] {
  const primary: TaskLaunch = {
    name: "server",
    command: config.command,
    image: imageOf(config, server.version),
    driver: config.driver,
    args: config.args,
    env: { ...config.env, ...env },
    cpu: cpuOf(config),
    memory: config.memory,
  };
  const beside = config.roles.filter(({ per }) => per === "server");
  return [primary, ...beside.map((role) => roleTask(role, env, role.name))];
}

function roleTask(role: RoleConfig, env: Readonly<Record<string, string>>, name: string): TaskLaunch {
  const { command, image, driver, args, cpu, memory } = role;
  return { name, command, image, driver, args, env: { ...role.env, ...env, FORGE_ROLE: name }, cpu, memory };
}

/** A version that was put over forge.toml's is also the image's tag, where the tag was the version before. */
function imageOf(config: ExperienceConfig, version: string): string | undefined {
  const { image } = config;
  const tag = `:${config.version}`;
  return image?.endsWith(tag) ? `${image.slice(0, -tag.length)}:${version}` : image;
}

export function cpuOf(config: ExperienceConfig): number {
  return config.cores === undefined ? config.cpu : config.cores * 1000;
}

function serverPorts(config: ExperienceConfig): PortLaunch[] {
  const beside = config.roles.filter(({ per }) => per === "server").map(({ ports }) => ports);
  return portsOf([config.ports, ...beside], config.sdk !== "none");
}

function portsOf(sets: readonly ExperienceConfig["ports"][], sdk: boolean): PortLaunch[] {
  const ports = new Map<string, PortLaunch>();
  for (const set of sets) {
    for (const [name, port] of Object.entries(set)) {
      if (!ports.has(name)) ports.set(name, { name, protocol: port.protocol, static: port.static });
    }
  }
  // The gate listens on it for this server; the server finds it through FORGE_SDK_URL.
  if (sdk) ports.set("sdk", { name: "sdk", protocol: "http", static: undefined });
  return [...ports.values()];
}

/** What the core knows of a server's environment; the engine adds ports, allocation values and FORGE_SDK_URL. */
function forgeEnv(s: CoreState, fleet: Fleet, server: GameServer): Record<string, string> {
  const env: Record<string, string> = {
    FORGE_SERVER_ID: server.id,
    FORGE_ALLOCATION_ID: "${NOMAD_ALLOC_ID}",
    FORGE_REGION: s.settings.region,
    FORGE_EXPERIENCE: server.experienceId,
    FORGE_VERSION: server.version,
    FORGE_ROLE: server.role,
    FORGE_MAX_PLAYERS: String(server.maxPlayers),
    FORGE_MODS: server.mods.join(","),
    ...(server.clients ? { FORGE_CLIENTS: server.clients } : {}),
    FORGE_SDK_TOKEN: server.sdkToken,
  };
  // The gate answers both on the SDK's one port: the first bytes tell them apart.
  if (fleet.config?.sdk === "agones") {
    env.AGONES_SDK_GRPC_PORT = "${NOMAD_PORT_sdk}";
    env.AGONES_SDK_HTTP_PORT = "${NOMAD_PORT_sdk}";
  }
  for (const [role, addresses] of roleAddresses(fleet)) env[roleVariable(role)] = addresses.join(",");
  return env;
}

function roleVariable(role: string): string {
  return `FORGE_ROLE_${role.toUpperCase().replace(/[^A-Z0-9]/g, "_")}`;
}

/** Where the servers of each fleet role are, as `host:port` of their first port; roles without a server up have none. */
export function roleAddresses(fleet: Fleet): Map<string, string[]> {
  const roles = (fleet.config?.roles ?? []).filter(({ per }) => per === "fleet");
  const addresses = new Map<string, string[]>(roles.map(({ name }) => [name, []]));
  for (const server of fleet.roleServers) {
    const port = firstPort(server);
    if (server.state === "ready" && server.address !== null && port !== undefined) {
      addresses.get(server.role)?.push(`${server.address}:${String(port)}`);
    }
  }
  for (const list of addresses.values()) list.sort();
  return addresses;
}

/** The port players connect to: the first that is not the SDK's. */
export function firstPort(server: GameServer): number | undefined {
  return Object.entries(server.ports).find(([name]) => name !== "sdk")?.[1];
}

function metaOf(server: GameServer): Record<string, string> {
  return {
    serverId: server.id,
    experienceId: server.experienceId,
    version: server.version,
    role: server.role,
    maxPlayers: String(server.maxPlayers),
    sdkToken: server.sdkToken,
    mods: JSON.stringify(server.mods),
    labels: JSON.stringify(server.labels),
    annotations: JSON.stringify(server.annotations),
    createdAtMs: String(server.createdAtMs),
    ...(server.clients ? { clients: server.clients } : {}),
    ...(server.wantedUntilMs === null ? {} : { wantedUntilMs: String(server.wantedUntilMs) }),
    ...(server.replaces === undefined ? {} : { replaces: server.replaces }),
  };
}

/** The next server of a fleet as it will be when it is up; nobody starts it. */
export function freshServer(s: CoreState, fleet: Fleet): GameServer | undefined {
  const { config, version } = fleet;
  if (!config) return undefined;
  return newServer({
    id: "",
    experienceId: fleet.id,
    version,
    mods: config.mods,
    role: "server",
    maxPlayers: config.maxPlayers,
    sdkToken: "",
    createdAtMs: s.nowMs,
    ...initialCounts(config),
    reason: "",
  });
}

/** A server as the meta of its launch tells, for a controller that never started it. */
export function serverOfEngine(found: EngineServer, fallbackMaxPlayers: number, nowMs: number): GameServer {
  const { meta } = found;
  const maxPlayers = Number(meta.maxPlayers);
  const server = newServer({
    id: found.serverId,
    experienceId: found.experienceId,
    version: found.version,
    mods: textList(meta.mods),
    role: found.role,
    maxPlayers: Number.isInteger(maxPlayers) && maxPlayers >= 0 ? maxPlayers : fallbackMaxPlayers,
    sdkToken: meta.sdkToken ?? "",
    clients: meta.clients ?? null,
    createdAtMs: Number(meta.createdAtMs) || nowMs,
    replaces: meta.replaces,
    labels: textRecord(meta.labels),
    annotations: textRecord(meta.annotations),
    reason: "found running on the engine",
  });
  return server;
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}

function textList(text: string | undefined): string[] {
  const value = parsed(text);
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

function textRecord(text: string | undefined): Record<string, string> {
  const value = parsed(text);
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

/** How the agent is to treat a server. `restore`: what the server that it replaces had saved. */
export function expectOf(
  s: CoreState,
  config: ExperienceConfig,
  server: GameServer,
  restore: ExpectedServer["restore"],
): ExpectedServer {
  const role = config.roles.find(({ name, per }) => per === "fleet" && name === server.role);
  return {
    serverId: server.id,
    allocationId: server.allocationId ?? "",
    region: s.settings.region,
    experienceId: server.experienceId,
    version: server.version,
    role: server.role,
    sdk: config.sdk,
    seats: isPrimary(server) ? config.seats : "none",
    maxPlayers: server.maxPlayers,
    address: server.address ?? "",
    ports: server.ports,
    pids: server.pids,
    logFile: server.logFile,
    sdkToken: server.sdkToken,
    health: {
      check: role ? roleCheck(role) : config.health,
      intervalMs: s.settings.health.checkIntervalSecs * 1000,
      timeoutMs: s.settings.health.timeoutSecs * 1000,
      unhealthyThreshold: s.settings.health.unhealthyThreshold,
      healthyThreshold: s.settings.health.healthyThreshold,
      ...(role ? {} : agonesHealth(config)),
    },
    log: role ? undefined : config.log,
    cpu: role ? role.cpu : cpuOf(config),
    memory: role ? role.memory : config.memory,
    readyTimeoutMs: config.readyTimeoutSecs * 1000,
    leaseMs: s.settings.leaseSecs * 1000,
    ...(role || Object.keys(config.volumes).length === 0 ? {} : { volumes: Object.values(config.volumes) }),
    labels: server.labels,
    annotations: server.annotations,
    ...(role ? {} : initialCounts(config)),
    restore,
  };
}

/** What a server that players join counts at first. */
export function initialCounts({ counters, lists, trackedPlayers }: ExperienceConfig): InitialCounts {
  const tracked = trackedPlayers === undefined ? undefined : { capacity: trackedPlayers, values: [] };
  return { counters, lists, tracked };
}

type InitialCounts = Pick<ExpectedServer, "counters" | "lists" | "tracked">;

/** With Agones' SDK the experience says how long silence may last, as its GameServer did. */
function agonesHealth({ health }: ExperienceConfig): Partial<ExpectedHealth> {
  if (health.kind !== "sdk" || !health.agones) return {};
  const { periodSecs, failureThreshold, initialDelaySecs } = health.agones;
  return {
    check: { kind: "sdk", initialDelayMs: initialDelaySecs * 1000 },
    intervalMs: periodSecs * 1000,
    unhealthyThreshold: failureThreshold,
  };
}

/** A fleet role is up when its first port answers; where that is UDP, when its process runs. */
function roleCheck(role: RoleConfig): ExpectedHealth["check"] {
  const [name, port] = Object.entries(role.ports)[0] ?? [];
  return name !== undefined && port?.protocol !== "udp" ? { kind: "tcp", port: name } : { kind: "process" };
}

/** Seconds a server gets between being asked to stop and being killed. */
export function graceOf(fleet: Fleet): number {
  return (fleet.config?.stop ?? RETIRED_STOP).graceSecs;
}

/** What the engine is told to keep new servers off. */
function isolatedNodes(s: CoreState): string[] {
  return [...s.nodes.values()].filter(({ isolation }) => isolation !== null).map(({ id }) => id);
}
