import type {
  ExperienceConfig,
  ForgeConfig,
  HealthCheckConfig,
  LogCounting,
  PortConfig,
  RegionConfig,
  RoleConfig,
  ScalingPolicy,
} from "./config";
import { inSnakeCase } from "./names";

/** A value that TOML can hold; undefined values are left out. */
export type TomlValue =
  string | number | boolean | readonly TomlValue[] | { readonly [key: string]: TomlValue | undefined };
export type TomlTable = { readonly [key: string]: TomlValue | undefined };

/** A configuration back in the file's shape and names, every default written out: loading it again gives the same. */
export function effectiveToml(config: ForgeConfig): TomlTable {
  return {
    nomad: snake(config.nomad),
    consul: snake(config.consul),
    vault: snake(config.vault),
    artifacts: { ...config.artifacts },
    api: snake(config.api),
    scaling: snake(config.scaling),
    health: snake(config.health),
    regions: config.regions.map(regionToml),
    experiences: Object.fromEntries(
      Object.entries(config.experiences).map(([id, experience]) => [id, experienceToml(experience)]),
    ),
    webhooks: config.webhooks.map(snake),
    allocator: config.allocator && snake(config.allocator),
    ping: config.ping && snake(config.ping),
    demo: config.demo === undefined ? undefined : { ...config.demo },
  };
}

/** Place and ports are not written: the file's order and FORGE_PORT_OFFSET give them. */
function regionToml({ index: _index, ports: _ports, nomad, consul, vault, ...rest }: RegionConfig): TomlTable {
  return {
    ...snake(rest),
    pools: { ...rest.pools },
    constraints: { ...rest.constraints },
    nomad: snake(nomad),
    consul: snake(consul),
    vault: snake(vault),
  };
}

function experienceToml(experience: ExperienceConfig): TomlTable {
  const { id: _id, cpu, cores, ports, health, log, scaling, scalingIn, rollout, roles, ...rest } = experience;
  const { canaryShare, maxSurge, maxUnavailable, ...rolling } = rollout;
  return {
    ...snake(rest),
    env: rest.env,
    volumes: rest.volumes,
    cpu: cores === undefined ? cpu : undefined,
    cores,
    ports: portsToml(ports),
    health: healthToml(health, log),
    scaling: {
      ...snake(scaling),
      buffer: amountToml(scaling.buffer),
      chain: scaling.chain.map(deepSnake),
      regions: Object.fromEntries(Object.entries(scalingIn ?? {}).map(([name, bounds]) => [name, snake(bounds)])),
    },
    routing: snake(rest.routing),
    rollout: {
      canary: percentToml(canaryShare),
      ...snake(rolling),
      max_surge: amountToml(maxSurge),
      max_unavailable: maxUnavailable && amountToml(maxUnavailable),
    },
    stop: snake(rest.stop),
    roles: Object.fromEntries(roles.map((role) => [role.name, roleToml(role)])),
  };
}

function amountToml(amount: ScalingPolicy["buffer"]): number | string {
  return amount.kind === "servers" ? amount.servers : percentToml(amount.share);
}

function percentToml(share: number): string {
  return `${Number((share * 100).toPrecision(12))}%`;
}

function roleToml({ name: _name, ports, ...rest }: RoleConfig): TomlTable {
  return { ...snake(rest), env: rest.env, ports: portsToml(ports) };
}

function portsToml(ports: Readonly<Record<string, PortConfig>>): TomlTable {
  const plain = ({ static: fixed, tls }: PortConfig) => fixed === undefined && tls === undefined;
  return Object.fromEntries(
    Object.entries(ports).map(([name, port]) => [name, plain(port) ? port.protocol : { ...port }]),
  );
}

function healthToml(health: HealthCheckConfig, log: LogCounting | undefined): TomlTable {
  const counting = log === undefined ? {} : { log: { ...log } };
  switch (health.kind) {
    case "http":
      return { http: health.path, metrics: health.metricsPath, port: health.port, ...counting };
    case "tcp":
      return { tcp: true, port: health.port, ...counting };
    case "query":
      return { query: health.protocol, port: health.port, ...counting };
    case "log":
      return { log: { ready: health.ready, ...log } };
    case "sdk":
      return { sdk: true, ...(health.agones ? snake(health.agones) : {}), ...counting };
    default:
      return { [health.kind]: true, ...counting };
  }
}

/** Of all levels: names of things are not among a chain's keys. */
function deepSnake(table: object): TomlTable {
  return Object.fromEntries(
    Object.entries(snake(table)).map(([key, value]) => [
      key,
      typeof value === "object" && !Array.isArray(value) ? deepSnake(value) : value,
    ]),
  );
}

/** Keys of one level from camelCase to snake_case. */
function snake(table: object): TomlTable {
  const entries = Object.entries(table) as [string, TomlValue | undefined][];
  return Object.fromEntries(entries.map(([key, value]) => [inSnakeCase(key), value]));
}
