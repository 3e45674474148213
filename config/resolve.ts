import type { ForgeConfig, ManagedPart, RegionConfig, VaultConfig } from "./config";
import { localPorts } from "./local-ports";
import { asName } from "./names";
import { resolveExperience } from "./resolve-experience";
import type { ForgeToml, RegionToml } from "./schema";

/** What a command line may say over the file. */
export interface ConfigFlags {
  /** Every region on this engine; `embedded` then also means this machine. */
  readonly engine?: "embedded" | "nomad" | undefined;
  /** Only these of the file's regions. */
  readonly regions?: readonly string[] | undefined;
  /** `false` leaves the demo's bots out. */
  readonly demo?: boolean | undefined;
  readonly nomadAddress?: string | undefined;
  readonly nomadNamespace?: string | undefined;
  readonly consulAddress?: string | undefined;
  readonly vaultAddress?: string | undefined;
}

/** The variables that Nomad's, Consul's and Vault's own tools read, and Forge's own; empty ones count as unset. */
export interface ConfigEnv {
  readonly NOMAD_ADDR?: string | undefined;
  readonly NOMAD_NAMESPACE?: string | undefined;
  readonly NOMAD_CACERT?: string | undefined;
  readonly CONSUL_HTTP_ADDR?: string | undefined;
  readonly CONSUL_HTTP_SSL?: string | undefined;
  readonly CONSUL_CACERT?: string | undefined;
  readonly VAULT_ADDR?: string | undefined;
  readonly VAULT_CACERT?: string | undefined;
  /** Moves all ports of regions whose hosts are this machine. */
  readonly FORGE_PORT_OFFSET?: string | undefined;
}

/** An address, namespace or file as one layer states it, and that layer's name. */
export interface Layered {
  readonly value: string;
  readonly from: { readonly kind: "flag" | "env"; readonly name: string } | { readonly kind: "file" };
}

export interface Layer {
  readonly flag?: Layered | undefined;
  readonly env?: Layered | undefined;
}

/** Flag, then the region, then the environment, then `[nomad]`, `[consul]`, `[vault]`. Never a token: those stay in the environment. */
export interface Layers {
  readonly nomadAddress: Layer;
  readonly nomadNamespace: Layer;
  readonly nomadCaFile: Layer;
  readonly consulAddress: Layer;
  readonly consulCaFile: Layer;
  readonly vaultAddress: Layer;
  readonly vaultCaFile: Layer;
}

export function layersOf(flags: ConfigFlags, env: ConfigEnv): Layers {
  const flag = (name: string, value: string | undefined) => layer({ kind: "flag", name }, value);
  const variable = (name: string, value: string | undefined) => layer({ kind: "env", name }, value);
  const scheme = env.CONSUL_HTTP_SSL === "true" || env.CONSUL_HTTP_SSL === "1" ? "https" : "http";
  // Consul's own tools accept host:port without a scheme.
  const consulAddress = env.CONSUL_HTTP_ADDR?.replace(/^(?!$|\w+:\/\/)/, `${scheme}://`);
  return {
    nomadAddress: { flag: flag("--nomad-address", flags.nomadAddress), env: variable("NOMAD_ADDR", env.NOMAD_ADDR) },
    nomadNamespace: {
      flag: flag("--namespace", flags.nomadNamespace),
      env: variable("NOMAD_NAMESPACE", env.NOMAD_NAMESPACE),
    },
    nomadCaFile: { env: variable("NOMAD_CACERT", env.NOMAD_CACERT) },
    consulAddress: {
      flag: flag("--consul-address", flags.consulAddress),
      env: variable("CONSUL_HTTP_ADDR", consulAddress),
    },
    consulCaFile: { env: variable("CONSUL_CACERT", env.CONSUL_CACERT) },
    vaultAddress: { flag: flag("--vault-address", flags.vaultAddress), env: variable("VAULT_ADDR", env.VAULT_ADDR) },
    vaultCaFile: { env: variable("VAULT_CACERT", env.VAULT_CACERT) },
  };
}

function layer(from: Layered["from"], value: string | undefined): Layered | undefined {
  return value === undefined || value === "" ? undefined : { value, from };
}

/** The layer that decides; `own` is what the region itself says, `shared` what the file says for all. */
export function decide<Shared extends string | undefined>(
  layers: Layer,
  own: string | undefined,
  shared: Shared,
): Layered | (Shared extends string ? never : undefined) {
  const file = (value: string): Layered => ({ value, from: { kind: "file" } });
  const decided = layers.flag ?? (own === undefined ? layers.env : file(own));
  if (decided !== undefined) return decided;
  return (shared === undefined ? undefined : file(shared)) as Layered;
}

/** A valid file with every default derived and every layer applied. The file must have passed `rules.ts`. */
export function resolve(toml: ForgeToml, flags: ConfigFlags, layers: Layers, portOffset = 0): ForgeConfig {
  const regions = regionsOf(toml).map((region, index) =>
    resolveRegion({ ...region, ports: localPorts(index, portOffset), index }, toml, flags, layers),
  );
  const chosen = flags.regions;
  return {
    ...resolveSystems({ nomad: {}, consul: {}, vault: {} }, toml, layers),
    artifacts: { url: toml.artifacts.url },
    api: { origins: toml.api.origins },
    scaling: {
      minServersPerRegion: toml.scaling.min_servers_per_region,
      maxServersPerRegion: toml.scaling.max_servers_per_region,
      targetCpuUtilization: toml.scaling.target_cpu_utilization,
      targetPlayersPerServer: toml.scaling.target_players_per_server,
      scaleUpCooldownSecs: toml.scaling.scale_up_cooldown_secs,
      scaleDownCooldownSecs: toml.scaling.scale_down_cooldown_secs,
    },
    health: {
      checkIntervalSecs: toml.health.check_interval_secs,
      timeoutSecs: toml.health.timeout_secs,
      unhealthyThreshold: toml.health.unhealthy_threshold,
      healthyThreshold: toml.health.healthy_threshold,
      maxErrorRate: toml.health.max_error_rate,
      maxMemory: toml.health.max_memory,
      maxCpu: toml.health.max_cpu,
      maxThrottled: toml.health.max_throttled,
      maxDisk: toml.health.max_disk,
      minJoined: toml.health.min_joined,
      limitSecs: toml.health.limit_secs,
      reachIntervalSecs: toml.health.reach_interval_secs,
      isolateServers: toml.health.isolate_servers,
      isolateSecs: toml.health.isolate_secs,
      maxIsolated: toml.health.max_isolated,
    },
    regions: chosen === undefined ? regions : regions.filter(({ name }) => chosen.includes(name)),
    experiences: Object.fromEntries(
      Object.entries(toml.experiences).map(([id, experience]) => [id, resolveExperience(id, experience, toml.scaling)]),
    ),
    webhooks: toml.webhooks.map(({ url, events, secret_env }) => ({ url, events, secretEnv: secret_env })),
    allocator: toml.allocator && {
      host: toml.allocator.host,
      port: toml.allocator.port,
      auth: toml.allocator.auth,
      certFile: toml.allocator.cert_file,
      keyFile: toml.allocator.key_file,
      clientCaDir: toml.allocator.client_ca_dir,
    },
    ping: toml.ping && { host: toml.ping.host, port: toml.ping.port, rateLimit: toml.ping.rate_limit },
    demo: flags.demo === false ? undefined : toml.demo,
  };
}

/** The file's regions, or where it has none the one that `[nomad].datacenter` stands for. */
export function regionsOf(toml: ForgeToml): readonly RegionToml[] {
  if (toml.regions.length > 0) return toml.regions;
  const { datacenter } = toml.nomad;
  return [
    {
      name: asName(datacenter) ?? "local",
      engine: "embedded",
      public_address: "auto",
      pools: { games: "default", control: "default" },
      constraints: {},
      nomad: {},
      consul: {},
      vault: {},
    },
  ];
}

const ALL_PARTS: readonly ManagedPart[] = ["infra", "consul", "vault", "nomad", "jobs"];

type PlacedRegion = RegionToml & Pick<RegionConfig, "index" | "ports">;

function resolveRegion(region: PlacedRegion, toml: ForgeToml, flags: ConfigFlags, layers: Layers): RegionConfig {
  const engine = flags.engine ?? region.engine;
  const hosts = hostsOf(region, flags);
  const { nomad, consul, vault } = isOurCluster(region, flags)
    ? ownSystems(region, toml, layers)
    : resolveSystems(region, toml, layers);
  const manage = region.manage ?? (hosts === "existing" ? ["jobs"] : ALL_PARTS);
  const certified = engine === "nomad" && (manage.includes("vault") || vault.pkiMount !== undefined);
  // On this machine nobody else is on the way.
  const tls = certified && (region.tls ?? hosts !== "local");
  return {
    name: region.name,
    index: region.index,
    ports: region.ports,
    engine,
    hosts,
    manage,
    datacenters: region.datacenters ?? [toml.nomad.datacenter],
    publicAddress: region.public_address,
    location: region.location,
    url:
      region.url ??
      (isOurCluster(region, flags) ? `${tls ? "https" : "http"}://127.0.0.1:${region.ports.api}` : undefined),
    tls,
    controllers: region.controllers ?? (hosts === "local" ? 1 : 2),
    pools: region.pools,
    constraints: region.constraints,
    nodeFolder: region.node_folder,
    nomad: {
      address: nomad.address,
      namespace: nomad.namespace,
      programsNamespace: nomad.programsNamespace,
      caFile: nomad.caFile,
    },
    consul: manage.includes("consul") ? { ...consul, authMethod: undefined } : consul,
    vault: manage.includes("vault") ? { ...vault, ...NO_MOUNTS } : vault,
  };
}

/** A region that the file keeps on this machine stays here when a flag puts it on Nomad. */
function hostsOf({ engine, hosts }: RegionToml, flags: ConfigFlags): RegionConfig["hosts"] {
  // A cluster's hosts mean nothing to servers that run on this machine.
  if ((flags.engine ?? engine) === "embedded") return "local";
  return hosts ?? (engine === "embedded" ? "local" : "existing");
}

/** Whether Forge itself runs the region's Nomad, Consul and Vault, on this machine. */
export function isOurCluster(region: RegionToml, flags: ConfigFlags): boolean {
  return (flags.engine ?? region.engine) === "nomad" && hostsOf(region, flags) === "local";
}

type Systems = Pick<ForgeConfig, "nomad" | "consul" | "vault">;

/** Somebody else's systems: where layers, region and file say. */
function resolveSystems(own: Pick<RegionToml, "nomad" | "consul" | "vault">, toml: ForgeToml, layers: Layers): Systems {
  return {
    nomad: {
      address: decide(layers.nomadAddress, own.nomad.address, toml.nomad.address).value,
      namespace: decide(layers.nomadNamespace, own.nomad.namespace, toml.nomad.namespace).value,
      programsNamespace: own.nomad.programs_namespace ?? toml.nomad.programs_namespace,
      datacenter: toml.nomad.datacenter,
      caFile: decide(layers.nomadCaFile, own.nomad.ca_file, toml.nomad.ca_file)?.value,
    },
    consul: {
      address: decide(layers.consulAddress, own.consul.address, toml.consul.address).value,
      authMethod: own.consul.auth_method ?? toml.consul.auth_method,
      caFile: decide(layers.consulCaFile, own.consul.ca_file, toml.consul.ca_file)?.value,
    },
    vault: {
      address: decide(layers.vaultAddress, own.vault.address, toml.vault.address).value,
      ...mountsOf(own.vault, toml.vault),
      caFile: decide(layers.vaultCaFile, own.vault.ca_file, toml.vault.ca_file)?.value,
    },
  };
}

/**
 * Systems that Forge runs: their addresses follow from the region's ports, whatever the environment says of others.
 * Consul speaks HTTP, for it is on loopback, and its ACL decides who may do what.
 */
function ownSystems({ nomad, ports }: PlacedRegion, toml: ForgeToml, layers: Layers): Systems {
  return {
    nomad: {
      address: `https://127.0.0.1:${ports.nomadHttp}`,
      namespace: decide(layers.nomadNamespace, nomad.namespace, toml.nomad.namespace).value,
      programsNamespace: undefined,
      datacenter: toml.nomad.datacenter,
      caFile: undefined,
    },
    consul: { address: `http://127.0.0.1:${ports.consulHttp}`, authMethod: undefined, caFile: undefined },
    vault: { address: `https://127.0.0.1:${ports.vaultApi}`, ...NO_MOUNTS, caFile: undefined },
  };
}

const NO_MOUNTS = { authMount: undefined, kvMount: undefined, pkiMount: undefined };

/** Without a login there is nothing to use the others with. */
function mountsOf(own: RegionToml["vault"], shared: ForgeToml["vault"]): VaultMounts {
  const authMount = own.auth_mount ?? shared.auth_mount;
  if (authMount === undefined) return NO_MOUNTS;
  return {
    authMount,
    kvMount: own.kv_mount ?? shared.kv_mount ?? "secret",
    pkiMount: own.pki_mount ?? shared.pki_mount,
  };
}

type VaultMounts = Pick<VaultConfig, "authMount" | "kvMount" | "pkiMount">;
