import type { ChainEntry } from "./scaling-chain";

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
