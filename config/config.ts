import type { LocalPorts } from "./local-ports";
import type { ExperienceConfig } from "./experience";

/**
 * What a forge.toml means once it is read: every default applied, names in camelCase.
 * The zod schema in `schema.ts` is the only place that turns a file into this shape.
 * What an experience is, is in `experience.ts`, and by which policies it is run in `scaling-policy.ts` and `rollout-policy.ts`.
 */

export type * from "./experience";
export type * from "./rollout-policy";
export type * from "./scaling-policy";

/** How long things are: `…Secs` are seconds, `…Ms` milliseconds, `memory` MiB, `cpu` MHz as in Nomad. */
export interface ForgeConfig {
  readonly nomad: NomadConfig & { readonly datacenter: string };
  readonly consul: ConsulConfig;
  readonly vault: VaultConfig;
  readonly artifacts: ArtifactsConfig;
  readonly api: ApiConfig;
  readonly scaling: RegionScaling;
  readonly health: HealthPolicy;
  readonly regions: readonly RegionConfig[];
  readonly experiences: Readonly<Record<string, ExperienceConfig>>;
  readonly webhooks: readonly WebhookConfig[];
  /** Undefined: no region has one. */
  readonly allocator: AllocatorConfig | undefined;
  readonly ping: PingConfig | undefined;
  readonly demo: DemoConfig | undefined;
}

/** `[allocator]`: Agones' allocation service of each region. Files are from the folder of forge.toml. */
export interface AllocatorConfig {
  /** Undefined: where the API listens. */
  readonly host: string | undefined;
  /** Of the first region; undefined: the one that Forge chooses. */
  readonly port: number | undefined;
  readonly auth: "token" | "mtls" | "none";
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly clientCaDir: string | undefined;
}

/** `[ping]`: echo by HTTP and UDP in each region. */
export interface PingConfig {
  readonly host: string | undefined;
  readonly port: number | undefined;
  /** UDP packets a second from one address. */
  readonly rateLimit: number;
}

/** Where Nomad, Consul or Vault is. Its token is never here: `region-endpoints.ts` says where tokens are kept. */
export interface SystemConfig {
  readonly address: string;
  /** PEM file of the authority that signed its certificate, from the folder of forge.toml. */
  readonly caFile: string | undefined;
}

export interface NomadConfig extends SystemConfig {
  readonly namespace: string;
  /** Of Forge's own programs; undefined: `systemNamespace` of region-names.ts says which. */
  readonly programsNamespace: string | undefined;
}

export interface ConsulConfig extends SystemConfig {
  /** By which Nomad's workloads log in at a Consul that is not ours to manage; undefined: it has no ACL. */
  readonly authMethod: string | undefined;
}

/** The mounts are those of a Vault that is not ours to manage; `region-vault.ts` has the ones of ours. */
export interface VaultConfig extends SystemConfig {
  /** JWT login of Nomad's workloads, below `auth/`; undefined: this region uses no Vault. */
  readonly authMount: string | undefined;
  /** KV v2. */
  readonly kvMount: string | undefined;
  readonly pkiMount: string | undefined;
}

/** `[artifacts]`: where nodes get Forge's programs. */
export interface ArtifactsConfig {
  /** Folder by HTTP; undefined: they lie on each node. On hosts = local Forge serves them itself. */
  readonly url: string | undefined;
}

/** `[api]`: who may call the controllers. */
export interface ApiConfig {
  /** Of web pages that may make players' calls, e.g. `https://game.example`. */
  readonly origins: readonly string[];
}

/** `[scaling]`: bounds and cooldowns of a whole region, and the targets that experiences inherit. */
export interface RegionScaling {
  readonly minServersPerRegion: number;
  readonly maxServersPerRegion: number;
  /** 0 to 1. */
  readonly targetCpuUtilization: number;
  readonly targetPlayersPerServer: number;
  readonly scaleUpCooldownSecs: number;
  readonly scaleDownCooldownSecs: number;
}

/** `[health]`: how hangs are found. A process that exits counts at once, whatever stands here. */
export interface HealthPolicy {
  readonly checkIntervalSecs: number;
  readonly timeoutSecs: number;
  readonly unhealthyThreshold: number;
  readonly healthyThreshold: number;
  /** Errors (5xx) a second that a server reports, above which it is given no new seats; undefined: no limit. */
  readonly maxErrorRate: number | undefined;
  /** The same of its share of the memory asked for, 0 up. */
  readonly maxMemory: number | undefined;
  /** The same of its share of the CPU asked for, 0 up. */
  readonly maxCpu: number | undefined;
  /** The same of the share of CPU periods in which it was held to its quota, 0 to 1. */
  readonly maxThrottled: number | undefined;
  /** The same of how full the fullest of its disks is, 0 to 1. */
  readonly maxDisk: number | undefined;
  /** The same where fewer than this share of its newest reservations were joined, 0 to 1. */
  readonly minJoined: number | undefined;
  /** Over a limit for so long, a server has failed. */
  readonly limitSecs: number;
  /** Between two handshakes with a server's public address, made from another node; 0: none. */
  readonly reachIntervalSecs: number;
  /** So many servers of one node in trouble together, and half of all it has, isolate the node; 0: none ever. */
  readonly isolateServers: number;
  /** How long an isolated node is kept from players and servers after the last trouble; doubled each time it comes back and fails. */
  readonly isolateSecs: number;
  /** The largest share of a region's nodes that is isolated at once; one of several may be in any case. */
  readonly maxIsolated: number;
}

export type ManagedPart = "infra" | "consul" | "vault" | "nomad" | "jobs";

export interface RegionConfig {
  readonly name: string;
  /** Its place among the regions of the file, from 0, whichever of them were chosen. */
  readonly index: number;
  /** Its ports where Forge chooses them: all of hosts = local, the programs' own everywhere. */
  readonly ports: LocalPorts;
  readonly engine: "embedded" | "nomad";
  readonly hosts: "local" | "existing" | "aws";
  readonly manage: readonly ManagedPart[];
  readonly datacenters: readonly string[];
  /** What players are told: `auto`, `meta.KEY` of the node, or a literal address. */
  readonly publicAddress: string;
  /** Degrees: latitude, longitude. */
  readonly location: readonly [number, number] | undefined;
  /** Where other regions reach this one's API; undefined: not at all. */
  readonly url: string | undefined;
  /** Whether API and agents' port speak TLS, with certificates of the region's Vault. */
  readonly tls: boolean;
  /** Replicas of the controller; one of them leads. */
  readonly controllers: number;
  /** Nomad's node pools. */
  readonly pools: { readonly games: string; readonly control: string };
  /** Of all its jobs: a node's property, `node.class`, `attr.cpu.arch` or `meta.KEY`, and the value that it must have. */
  readonly constraints: Readonly<Record<string, string>>;
  /** Folder on each node for what outlives Forge's programs there; undefined: /var/lib/forge/REGION. */
  readonly nodeFolder: string | undefined;
  /** Overrides of `[nomad]`, `[consul]` and `[vault]` for this region; on hosts = local with Nomad they are Forge's own. */
  readonly nomad: NomadConfig;
  readonly consul: ConsulConfig;
  readonly vault: VaultConfig;
}

export interface WebhookConfig {
  readonly url: string;
  readonly events: readonly string[];
  /** Name of the environment variable that holds the signing secret; never the secret itself. */
  readonly secretEnv: string | undefined;
}

/** `[demo]`: the bots that `forge up` starts unless told `--no-demo`. */
export interface DemoConfig {
  readonly experience: string;
  readonly bots: number;
}
