import type { CountedList, Counter } from "./counts";

/** How an agent is to treat a server: told before the server's first line where the engine can. */
export interface ExpectedServer {
  readonly serverId: string;
  readonly allocationId: string;
  readonly region: string;
  readonly experienceId: string;
  readonly version: string;
  readonly role: string;
  readonly sdk: "forge" | "agones" | "none";
  readonly seats: "reported" | "match" | "observed" | "none";
  readonly maxPlayers: number;
  readonly address: string;
  readonly ports: Readonly<Record<string, number>>;
  readonly pids: Readonly<Record<string, number>>;
  readonly logFile: string | undefined;
  /** Bearer token of this server's own SDK calls. */
  readonly sdkToken: string;
  readonly health: ExpectedHealth;
  readonly log: { readonly joined: string; readonly left: string } | undefined;
  /** MHz asked for, to turn CPU time into a share. */
  readonly cpu: number;
  /** MiB asked for. */
  readonly memory: number;
  readonly readyTimeoutMs: number;
  readonly leaseMs: number;
  /** Where it finds its volumes. */
  readonly volumes?: readonly string[] | undefined;
  /** What it was started with: what an agent that knows the server has of them is newer. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** What its counters, lists and tracked players begin with; what the agent has of them later is newer. */
  readonly counters?: Readonly<Record<string, Counter>> | undefined;
  readonly lists?: Readonly<Record<string, CountedList>> | undefined;
  readonly tracked?: CountedList | undefined;
  /** Saved by the server this one replaces. */
  readonly restore: { readonly data: string; readonly savedAtMs: number } | undefined;
}

export interface ExpectedHealth {
  readonly check:
    /** With a delay, silence counts from then on, also before the first sign of life. */
    | { readonly kind: "sdk"; readonly initialDelayMs?: number | undefined }
    | { readonly kind: "http"; readonly path: string; readonly port: string; readonly metricsPath: string | undefined }
    | { readonly kind: "tcp"; readonly port: string }
    | { readonly kind: "query"; readonly protocol: string; readonly port: string }
    | { readonly kind: "log"; readonly ready: string | undefined }
    | { readonly kind: "process" };
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly unhealthyThreshold: number;
  readonly healthyThreshold: number;
}
