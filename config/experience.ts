import type { RolloutPolicy } from "./rollout-policy";
import type { RegionBounds, ScalingPolicy } from "./scaling-policy";

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
