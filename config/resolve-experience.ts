import type {
  Driver,
  ExperienceConfig,
  HealthCheckConfig,
  PortConfig,
  RoleConfig,
  ScalingPolicy,
  SdkKind,
  SeatCounting,
} from "./config";
import type { ExperienceToml, HealthCheckToml, PortToml, RoleToml } from "./experience-schema";
import type { ChainEntry, CountRule } from "./scaling-chain";
import type { RegionBounds } from "./scaling-policy";
import type { ChainEntryToml } from "./scaling-schema";
import type { ForgeToml } from "./schema";

/** One experience with every default derived. Its entry must have passed `rules.ts`. */
export function resolveExperience(id: string, toml: ExperienceToml, scaling: ForgeToml["scaling"]): ExperienceConfig {
  return {
    id,
    kind: toml.kind,
    image: toml.image,
    command: toml.command,
    args: toml.args,
    env: toml.env,
    driver: driverOf(toml),
    version: toml.version ?? tagOf(toml.image) ?? "1",
    clients: toml.clients,
    mods: toml.mods,
    maxPlayers: toml.max_players,
    priority: toml.priority,
    sdk: toml.sdk,
    seats: toml.seats ?? SEATS_OF_SDK[toml.sdk],
    cpu: toml.cpu ?? (toml.cores === undefined ? 500 : toml.cores * 1000),
    cores: toml.cores,
    memory: toml.memory,
    ports: resolvePorts(toml.ports),
    network: toml.network,
    health: resolveHealth(toml),
    log: countingOf(toml.health),
    readyTimeoutSecs: toml.ready_timeout_secs,
    scaling: resolveScaling(toml, scaling),
    scalingIn: resolveBounds(toml, resolveScaling(toml, scaling)),
    routing: {
      strategy: toml.routing.strategy,
      maxLatencyMs: toml.routing.max_latency_ms,
      relaxMsPerSec: toml.routing.relax_ms_per_sec,
      relaxToMs: toml.routing.relax_to_ms,
      queueDeadlineSecs: toml.routing.queue_deadline_secs,
      queueLimit: toml.routing.queue_limit,
    },
    rollout: {
      canaryShare: Number.parseFloat(toml.rollout.canary) / 100,
      promoteAfterSecs: toml.rollout.promote_after_secs,
      maxFailures: toml.rollout.max_failures,
      onFailure: toml.rollout.on_failure,
      maxSurge: bufferOf(toml.rollout.max_surge),
      maxUnavailable: bufferOf(toml.rollout.max_unavailable),
      strategy: toml.rollout.strategy,
    },
    stop: { command: toml.stop.command, signal: toml.stop.signal, graceSecs: toml.stop.grace_secs },
    roles: Object.entries(toml.roles).map(([name, role]) => resolveRole(name, role)),
    counters: toml.counters,
    lists: toml.lists,
    trackedPlayers: toml.sdk === "agones" ? (toml.tracked_players ?? toml.max_players) : undefined,
    volumes: toml.volumes,
    regions: toml.regions,
  };
}

export const SEATS_OF_SDK: Readonly<Record<SdkKind, SeatCounting>> = {
  forge: "reported",
  agones: "match",
  none: "observed",
};

export function driverOf(task: { readonly driver?: Driver | undefined; readonly image?: string | undefined }): Driver {
  return task.driver ?? (task.image === undefined ? "exec" : "docker");
}

/** `1.4.2` of `registry:5000/arena:1.4.2`; undefined for a digest, no tag, or `latest`, which names no version. */
/** The version that an image names itself by. */
export function tagOf(image: string | undefined): string | undefined {
  const tag = image === undefined ? undefined : /:([\w][\w.-]{0,127})$/.exec(image)?.[1];
  return image?.includes("@") === true || tag === "latest" ? undefined : tag;
}

export function resolvePort(port: PortToml): PortConfig {
  if (typeof port === "string") return { protocol: port, static: undefined, tls: undefined };
  return { protocol: port.protocol, static: port.static, tls: port.tls };
}

function resolvePorts(ports: Readonly<Record<string, PortToml>>): Readonly<Record<string, PortConfig>> {
  return Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, resolvePort(port)]));
}

function resolveRole(name: string, toml: RoleToml): RoleConfig {
  return {
    name,
    per: toml.per,
    command: toml.command,
    image: toml.image,
    driver: driverOf(toml),
    args: toml.args,
    env: toml.env,
    cpu: toml.cpu,
    memory: toml.memory,
    ports: resolvePorts(toml.ports),
    count: toml.count,
  };
}

/** The ways of learning health that a check asks for; a valid one asks for at most one. */
export const HEALTH_KINDS = ["sdk", "http", "tcp", "query", "process"] as const;

export function healthKindsOf(check: HealthCheckToml): readonly (typeof HEALTH_KINDS)[number][] {
  if (typeof check === "string") return [check];
  return HEALTH_KINDS.filter((kind) => check[kind] !== undefined);
}

/** The port a check goes to unless it names one: for a query the first UDP port, else the first that can be connected to. */
export function healthPortOf(toml: Pick<ExperienceToml, "ports">, check: HealthCheckToml): string | undefined {
  const named = typeof check === "string" ? undefined : check.port;
  if (named !== undefined) return named;
  const names = Object.keys(toml.ports);
  const isUdp = (name: string) => resolvePort(toml.ports[name] ?? "udp").protocol === "udp";
  const query = typeof check !== "string" && check.query !== undefined;
  return query ? (names.find(isUdp) ?? names[0]) : names.find((name) => !isUdp(name));
}

function resolveHealth(toml: ExperienceToml): HealthCheckConfig {
  const check = toml.health ?? (toml.sdk === "none" ? undefined : "sdk");
  if (check === undefined) {
    const port = healthPortOf(toml, "tcp");
    return port === undefined ? { kind: "process" } : { kind: "tcp", port };
  }
  const port = healthPortOf(toml, check) ?? "";
  const kind = healthKindsOf(check)[0];
  const table = typeof check === "string" ? {} : check;
  if (kind === "http") return { kind, path: table.http ?? "/", port, metricsPath: table.metrics };
  if (kind === "tcp") return { kind, port };
  if (kind === "query") return { kind, protocol: table.query ?? "", port };
  if (kind === "sdk") return toml.sdk === "agones" ? { kind, agones: agonesHealth(table) } : { kind };
  if (kind === "process") return { kind };
  return { kind: "log", ready: table.log?.ready };
}

/** Defaults of a GameServer's `health` in Agones. */
function agonesHealth(table: Exclude<HealthCheckToml, string>): AgonesHealth {
  return {
    periodSecs: table.period_secs ?? 5,
    failureThreshold: table.failure_threshold ?? 3,
    initialDelaySecs: table.initial_delay_secs ?? 5,
  };
}

type AgonesHealth = Exclude<Extract<HealthCheckConfig, { kind: "sdk" }>["agones"], undefined>;

function countingOf(check: HealthCheckToml | undefined): ExperienceConfig["log"] {
  if (check === undefined || typeof check === "string") return undefined;
  const { joined, left } = check.log ?? {};
  return joined === undefined || left === undefined ? undefined : { joined, left };
}

/** Where each derived value comes from is in the descriptions of `experience-schema.ts`. */
function resolveScaling(toml: ExperienceToml, region: ForgeToml["scaling"]): ScalingPolicy {
  const own = toml.scaling;
  const world = toml.kind === "world";
  const maxServers = own.max_servers ?? (world ? 1 : region.max_servers_per_region);
  const targetCpu = own.target_cpu ?? region.target_cpu_utilization;
  const scaleUpThreshold = own.scale_up_threshold ?? targetCpu;
  return {
    minServers: own.min_servers ?? Math.min(region.min_servers_per_region, world ? 1 : maxServers),
    maxServers,
    targetCpu,
    targetPlayers: own.target_players ?? Math.min(region.target_players_per_server, toml.max_players),
    scaleUpThreshold,
    scaleDownThreshold: own.scale_down_threshold ?? scaleUpThreshold / 2,
    scaleUpCooldownSecs: own.scale_up_cooldown_secs ?? own.cooldown_secs ?? region.scale_up_cooldown_secs,
    scaleDownCooldownSecs: own.scale_down_cooldown_secs ?? own.cooldown_secs ?? region.scale_down_cooldown_secs,
    buffer: bufferOf(own.buffer),
    targetResponseMs: own.target_response_ms,
    chain: own.chain.map(resolveChainEntry),
    defragment: own.defragment,
    defragmentIntervalSecs: own.defragment_interval_secs,
    priorities: own.priorities,
    allocationOverflow: own.allocation_overflow,
  };
}

/** What the whole run wants at least gives way to a region's own maximum: then that region's minimum is as low. */
function resolveBounds({ scaling }: ExperienceToml, shared: ScalingPolicy): Readonly<Record<string, RegionBounds>> {
  return Object.fromEntries(
    Object.entries(scaling.regions).map(([name, { min_servers: least, max_servers: maxServers }]) => {
      const lowered = maxServers !== undefined && maxServers < shared.minServers ? maxServers : undefined;
      return [name, { minServers: least ?? lowered, maxServers }];
    }),
  );
}

export function resolveChainEntry({ id, schedule, buffer, counter, list, webhook }: ChainEntryToml): ChainEntry {
  const period = schedule?.active_period;
  return given({
    id,
    schedule:
      schedule &&
      given({
        between: schedule.between && given(schedule.between),
        activePeriod:
          period &&
          given({ timezone: period.timezone, startCron: period.start_cron, durationSecs: period.duration_secs }),
      }),
    buffer:
      buffer &&
      given({ bufferSize: buffer.buffer_size, minReplicas: buffer.min_replicas, maxReplicas: buffer.max_replicas }),
    counter: counter && resolveCount(counter),
    list: list && resolveCount(list),
    webhook:
      webhook &&
      given({
        url: webhook.url,
        caFile: webhook.ca_file,
        secretEnv: webhook.secret_env,
        timeoutSecs: webhook.timeout_secs,
      }),
  });
}

function resolveCount(rule: NonNullable<ChainEntryToml["counter"]>): CountRule {
  const { key, buffer_size: bufferSize, min_capacity: minCapacity, max_capacity: maxCapacity } = rule;
  return given({ key, bufferSize, minCapacity, maxCapacity });
}

/** Without the keys that nobody gave: what goes over the API has none of them. */
function given<T extends object>(table: T): T {
  return Object.fromEntries(Object.entries(table).filter(([, value]) => value !== undefined)) as T;
}

function bufferOf(buffer: number | string): ScalingPolicy["buffer"] {
  if (typeof buffer === "number") return { kind: "servers", servers: buffer };
  return { kind: "share", share: Number.parseFloat(buffer) / 100 };
}
