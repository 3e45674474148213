import type { LocalPorts } from "./local-ports";
import type { ChainEntry } from "./scaling-chain";

/**
 * What a forge.toml means once it is read: every default applied, names in camelCase.
 * The zod schema in `schema.ts` is the only place that turns a file into this shape.
 */

/** How long things are: `…Secs` are seconds, `…Ms` milliseconds, `memory` MiB, `cpu` MHz as in Nomad. */
export interface ForgeConfig {
  readonly nomad: NomadConfig & { readonly datacenter: string };
  readonly consul: ConsulConfig;
  readonly vault: VaultConfig;
  readonly artifacts: ArtifactsConfig;
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

export type Driver = "docker" | "exec" | "raw_exec" | "java";
export type SdkKind = "forge" | "agones" | "none";
/** How seats are counted; see DESIGN: tickets and leases. */
export type SeatCounting = "reported" | "match" | "observed";
export type PortProtocol = "udp" | "tcp" | "http" | "ws";

export interface PortConfig {
  readonly protocol: PortProtocol;
  /** A fixed port on the node; otherwise one is chosen for each server. */
  readonly static: number | undefined;
  /** `edge`: TLS ends before the server. */
  readonly tls: "edge" | "server" | undefined;
}

/** How a server's readiness and liveness are learned. */
export type HealthCheckConfig =
  | {
      readonly kind: "sdk";
      /** Agones' health settings; undefined: `[health]` says how long silence may last, once there was a sign of life. */
      readonly agones?: {
        readonly periodSecs: number;
        readonly failureThreshold: number;
        readonly initialDelaySecs: number;
      };
    }
  | { readonly kind: "http"; readonly path: string; readonly port: string; readonly metricsPath: string | undefined }
  | { readonly kind: "tcp"; readonly port: string }
  | { readonly kind: "query"; readonly protocol: string; readonly port: string }
  | { readonly kind: "log"; readonly ready: string | undefined }
  | { readonly kind: "process" };

/** Regular expressions over the server's output; the first group, or one named `player`, is the player's name. */
export interface LogCounting {
  readonly joined: string;
  readonly left: string;
}

/** The document's ScalingPolicy with every default applied, for one experience in one region. */
export interface ScalingPolicy {
  readonly minServers: number;
  readonly maxServers: number;
  /** 0 to 1 of the CPU a server asked for. */
  readonly targetCpu: number;
  readonly targetPlayers: number;
  /** 0 to 1; average CPU above this scales up. */
  readonly scaleUpThreshold: number;
  /** 0 to 1; average CPU below this (and players below target) scales down. */
  readonly scaleDownThreshold: number;
  readonly scaleUpCooldownSecs: number;
  readonly scaleDownCooldownSecs: number;
  /** Free capacity kept ready: servers (`5`) or a share of what is in use (`"10%"`, as 0.1). */
  readonly buffer:
    { readonly kind: "servers"; readonly servers: number } | { readonly kind: "share"; readonly share: number };
  /** p95 of the time from asking for a seat to having it, above which one more server is wanted; undefined: not used. */
  readonly targetResponseMs: number | undefined;
  /** The first entry that applies decides how much is kept ready, instead of `buffer`. */
  readonly chain: readonly ChainEntry[];
  /** Whether servers with few players are emptied where the others have room: by waiting, or by moving the players. */
  readonly defragment: "off" | "wait" | "move";
  readonly defragmentIntervalSecs: number;
  /** The first that tells two servers apart decides which goes first. */
  readonly priorities?: readonly ScaleDownPriority[];
  readonly allocationOverflow?: AllocationOverflow | undefined;
}

/** Other bounds of an experience in one region. */
export interface RegionBounds {
  readonly minServers?: number | undefined;
  readonly maxServers?: number | undefined;
}

/** In which order empty servers go: by what is left of a counter or list (Agones' `priorities`). */
export interface ScaleDownPriority {
  readonly type: "counter" | "list";
  readonly key: string;
  /** `ascending`: those with least left go first. Those without the counter or list go last. */
  readonly order: "ascending" | "descending";
}

/** What allocated servers beyond the number wanted are marked with (Agones' `allocationOverflow`). */
export interface AllocationOverflow {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** So many servers, or a share of the fleet, 0 to 1. */
export type ServerAmount =
  { readonly kind: "servers"; readonly servers: number } | { readonly kind: "share"; readonly share: number };

/** How a new version is taken in. */
export interface RolloutPolicy {
  /** `recreate`: every empty old server goes at once; `rolling` unless given. */
  readonly strategy?: "rolling" | "recreate";
  /** 0 to 1, above 0: the share of a fleet that runs a new version first; 1: no canary. */
  readonly canaryShare: number;
  /** A canary that has been up for so long is promoted by itself; undefined: by hand. */
  readonly promoteAfterSecs: number | undefined;
  /** So many servers of the new version that do not come up, hang or die stop the rollout. */
  readonly maxFailures: number;
  readonly onFailure: "rollback" | "pause";
  /** How many servers of the new version are started before as many old ones have gone; a share is rounded up. */
  readonly maxSurge: ServerAmount;
  /** How many old servers are closed before as many new ones are up; a share is rounded down, to 1 at least. None unless given. */
  readonly maxUnavailable?: ServerAmount;
}

export interface RoutingPolicy {
  /** `pack` fills servers up so that others can go; `spread` levels them. */
  readonly strategy: "pack" | "spread";
  /** A player whose best latency is above this waits rather than play badly; undefined: no limit. */
  readonly maxLatencyMs: number | undefined;
  /** By so many milliseconds a second the limit grows for whoever waits; 0: not at all. */
  readonly relaxMsPerSec: number;
  /** It grows no further than this; undefined: without end. */
  readonly relaxToMs: number | undefined;
  /** How long a player waits in the queue before being told that there is no place. */
  readonly queueDeadlineSecs: number;
  /** How many may wait; beyond it the answer is 429. */
  readonly queueLimit: number;
}

export interface StopConfig {
  /** The server's own stop command (program and arguments), tried first. */
  readonly command: readonly string[] | undefined;
  readonly signal: string;
  /** Seconds between asking and SIGKILL. */
  readonly graceSecs: number;
}

export interface RoleConfig {
  readonly name: string;
  /** `server`: beside each primary, same allocation and loopback. `fleet`: its own servers without seats. */
  readonly per: "server" | "fleet";
  readonly command: string | undefined;
  readonly image: string | undefined;
  readonly driver: Driver;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cpu: number;
  readonly memory: number;
  readonly ports: Readonly<Record<string, PortConfig>>;
  /** Of a fleet role: how many run in each region. */
  readonly count: number;
}

export interface ExperienceConfig {
  readonly id: string;
  readonly kind: "match" | "world";
  readonly image: string | undefined;
  readonly command: string | undefined;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly driver: Driver;
  readonly version: string;
  /** Which client versions it takes: one by name or a range; undefined: any. */
  readonly clients: string | undefined;
  readonly mods: readonly string[];
  /** 1 to 100: the higher grows first where there is no room for all. */
  readonly priority: number;
  readonly maxPlayers: number;
  readonly sdk: SdkKind;
  readonly seats: SeatCounting;
  readonly cpu: number;
  readonly cores: number | undefined;
  readonly memory: number;
  readonly ports: Readonly<Record<string, PortConfig>>;
  /** The group's network; the loader always sets it, `host` unless the file says otherwise. */
  readonly network?: "host" | "bridge";
  readonly health: HealthCheckConfig;
  readonly log: LogCounting | undefined;
  /** Seconds from start to ready before a server counts as failed. */
  readonly readyTimeoutSecs: number;
  readonly scaling: ScalingPolicy;
  /** By region, where its bounds are others than those of `scaling`. */
  readonly scalingIn?: Readonly<Record<string, RegionBounds>> | undefined;
  readonly routing: RoutingPolicy;
  readonly rollout: RolloutPolicy;
  readonly stop: StopConfig;
  readonly roles: readonly RoleConfig[];
  /** What a server's counters and lists begin with, by name (Agones' counters and lists). */
  readonly counters?: Readonly<Record<string, { readonly count: number; readonly capacity: number }>> | undefined;
  readonly lists?:
    Readonly<Record<string, { readonly capacity: number; readonly values: readonly string[] }>> | undefined;
  /** Of `sdk = "agones"`: how many players its alpha calls may track at first. */
  readonly trackedPlayers?: number | undefined;
  /** Volume name to the path that the server sees it at. */
  readonly volumes: Readonly<Record<string, string>>;
  /** Regions where it runs; empty: all. */
  readonly regions: readonly string[];
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
