import type { ExpectedServer } from "../protocol/messages";

/** What a probe found out about one server. Probes look and tell; the agent decides. */
export type Finding =
  | { readonly kind: "ready" }
  | { readonly kind: "healthy" }
  | { readonly kind: "unhealthy"; readonly reason: string }
  /** How many players are on, by the server's own answer to a query. */
  | { readonly kind: "players"; readonly count: number; readonly names: readonly string[] }
  | { readonly kind: "playerJoined"; readonly player: string }
  | { readonly kind: "playerLeft"; readonly player: string }
  | { readonly kind: "metrics"; readonly responseMs: number | undefined; readonly errorRate: number | undefined }
  /** A process of the server is not there any more. */
  | { readonly kind: "exited"; readonly reason: string }
  /** Where nobody told a server's process ids: those that were found, by task. */
  | { readonly kind: "processes"; readonly pids: Readonly<Record<string, number>> }
  | {
      readonly kind: "usage";
      readonly cpu: number;
      readonly memoryBytes: number;
      /** Share of CPU periods in which it was held back; undefined where it has no quota. */
      readonly throttled: number | undefined;
    }
  /** The fullest of the disks that it writes to: the share in use, and which folder lies on it. */
  | { readonly kind: "disk"; readonly used: number; readonly folder: string };

/** Starts every probe that a server's `expect` asks for. SDK heartbeats are not probes: they come to the agent as calls. */
export type StartProbes = (
  server: ExpectedServer,
  report: (finding: Finding) => void,
  /** What is known already of a server whose probes start late, as after a restart of the agent. */
  known?: KnownHealth,
) => RunningProbes;

export interface KnownHealth {
  readonly ready: boolean;
  readonly healthy: boolean;
}

export interface RunningProbes {
  /** Resolves when nothing of it is left. */
  stop(): Promise<void>;
}
