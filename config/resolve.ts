import type { ForgeConfig, ManagedPart, RegionConfig } from "./config";
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
}

/** The variables that Nomad's and Consul's own tools read; empty ones count as unset. */
export interface ConfigEnv {
  readonly NOMAD_ADDR?: string | undefined;
  readonly NOMAD_NAMESPACE?: string | undefined;
  readonly CONSUL_HTTP_ADDR?: string | undefined;
  readonly CONSUL_HTTP_SSL?: string | undefined;
}

/** An address or namespace as one layer states it, and that layer's name. */
export interface Layered {
  readonly value: string;
  readonly from: { readonly kind: "flag" | "env"; readonly name: string } | { readonly kind: "file" };
}

/** Flag, then the region, then the environment, then `[nomad]` and `[consul]`. Never a token: those stay in the environment. */
export interface Layers {
  readonly nomadAddress: { readonly flag?: Layered | undefined; readonly env?: Layered | undefined };
  readonly nomadNamespace: { readonly flag?: Layered | undefined; readonly env?: Layered | undefined };
  readonly consulAddress: { readonly flag?: Layered | undefined; readonly env?: Layered | undefined };
}

export function layersOf(flags: ConfigFlags, env: ConfigEnv): Layers {
  const flag = (name: string, value: string | undefined) => layer({ kind: "flag", name }, value);
  const variable = (name: string, value: string | undefined) => layer({ kind: "env", name }, value);
  const scheme = env.CONSUL_HTTP_SSL === "true" || env.CONSUL_HTTP_SSL === "1" ? "https" : "http";
  return {
    nomadAddress: { flag: flag("--nomad-address", flags.nomadAddress), env: variable("NOMAD_ADDR", env.NOMAD_ADDR) },
    nomadNamespace: {
      flag: flag("--namespace", flags.nomadNamespace),
      env: variable("NOMAD_NAMESPACE", env.NOMAD_NAMESPACE),
    },
    consulAddress: {
      flag: flag("--consul-address", flags.consulAddress),
      // Consul's own tools accept host:port without a scheme.
      env: variable("CONSUL_HTTP_ADDR", env.CONSUL_HTTP_ADDR?.replace(/^(?!$|\w+:\/\/)/, `${scheme}://`)),
    },
  };
}

function layer(from: Layered["from"], value: string | undefined): Layered | undefined {
  return value === undefined || value === "" ? undefined : { value, from };
}

/** The layer that decides for a region; `own` is what the region itself says. */
export function decide(layers: Layers[keyof Layers], own: string | undefined, shared: string): Layered {
  const file = (value: string): Layered => ({ value, from: { kind: "file" } });
  return layers.flag ?? (own === undefined ? (layers.env ?? file(shared)) : file(own));
}

/** A valid file with every default derived and every layer applied. The file must have passed `rules.ts`. */
export function resolve(toml: ForgeToml, flags: ConfigFlags, layers: Layers): ForgeConfig {
  const regions = regionsOf(toml).map((region) => resolveRegion(region, toml, flags, layers));
  const chosen = flags.regions;
  return {
    nomad: {
      address: decide(layers.nomadAddress, undefined, toml.nomad.address).value,
      namespace: decide(layers.nomadNamespace, undefined, toml.nomad.namespace).value,
      datacenter: toml.nomad.datacenter,
    },
    consul: { address: decide(layers.consulAddress, undefined, toml.consul.address).value },
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
    },
    regions: chosen === undefined ? regions : regions.filter(({ name }) => chosen.includes(name)),
    experiences: Object.fromEntries(
      Object.entries(toml.experiences).map(([id, experience]) => [id, resolveExperience(id, experience, toml.scaling)]),
    ),
    webhooks: toml.webhooks.map(({ url, events, secret_env }) => ({ url, events, secretEnv: secret_env })),
    demo: flags.demo === false ? undefined : toml.demo,
  };
}

/** The file's regions, or where it has none the one that `[nomad].datacenter` stands for. */
export function regionsOf(toml: ForgeToml): readonly RegionToml[] {
  if (toml.regions.length > 0) return toml.regions;
  const { datacenter } = toml.nomad;
  return [{ name: asName(datacenter) ?? "local", engine: "embedded", public_address: "auto", nomad: {}, consul: {} }];
}

const ALL_PARTS: readonly ManagedPart[] = ["infra", "consul", "vault", "nomad", "jobs"];

function resolveRegion(region: RegionToml, toml: ForgeToml, flags: ConfigFlags, layers: Layers): RegionConfig {
  const engine = flags.engine ?? region.engine;
  // A cluster's hosts mean nothing to servers that run on this machine.
  const hosts = engine === "embedded" ? "local" : (region.hosts ?? "existing");
  return {
    name: region.name,
    engine,
    hosts,
    manage: region.manage ?? (hosts === "existing" ? ["jobs"] : ALL_PARTS),
    datacenters: region.datacenters ?? [toml.nomad.datacenter],
    publicAddress: region.public_address,
    location: region.location,
    nomad: {
      address: decide(layers.nomadAddress, region.nomad.address, toml.nomad.address).value,
      namespace: decide(layers.nomadNamespace, region.nomad.namespace, toml.nomad.namespace).value,
    },
    consul: { address: decide(layers.consulAddress, region.consul.address, toml.consul.address).value },
  };
}
