/**
 * The things of the API as plain types, in the words of DESIGN §4. The zod schemas in `controller/api/schemas`
 * are checked against these; the core answers commands with them.
 * Times are ISO 8601 strings where a name ends in `At`, milliseconds where it ends in `Ms`.
 */

export type ServerState =
  "starting" | "ready" | "reserved" | "allocated" | "draining" | "suspect" | "unhealthy" | "terminated";
export type SessionState = "queued" | "reserved" | "active" | "migrating" | "ended";

export interface Server {
  readonly id: string;
  readonly allocationId: string | null;
  readonly experienceId: string;
  readonly version: string;
  /** Which client versions it takes, one or a range; null: any. */
  readonly clients: string | null;
  readonly mods: readonly string[];
  readonly role: string;
  readonly region: string;
  readonly nodeId: string | null;
  readonly state: ServerState;
  readonly address: string | null;
  readonly ports: Readonly<Record<string, number>>;
  readonly maxPlayers: number;
  /** Seats held: joined, reserved and walk-ins. */
  readonly players: number;
  readonly matchId: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** What the server counts beside its seats, by name; `count` is at most `capacity`. */
  readonly counters: Readonly<Record<string, { readonly count: number; readonly capacity: number }>>;
  readonly lists: Readonly<Record<string, { readonly capacity: number; readonly values: readonly string[] }>>;
  /** Players that a server on Agones' SDK tracks by its alpha calls; `values` are their ids. */
  readonly tracked: { readonly capacity: number; readonly values: readonly string[] } | null;
  readonly stats: { readonly cpu: number; readonly memoryBytes: number } | null;
  readonly createdAt: string;
  readonly readyAt: string | null;
  readonly endedAt: string | null;
  /** Why it is in this state, for people. */
  readonly reason: string;
}

export interface Session {
  readonly id: string;
  readonly playerId: string;
  readonly experienceId: string;
  readonly serverId: string | null;
  readonly region: string;
  readonly state: SessionState;
  /** Raised by every move; the higher wins. */
  readonly generation: number;
  readonly party: readonly string[];
  readonly connectedAt: string;
  readonly lastActivity: string;
  readonly latencyMs: number | null;
  /** 0 to 1. */
  readonly packetLoss: number | null;
  /** How many times it was moved, and the age of the state it carried last time. */
  readonly moves: number;
  readonly restoredAgeMs: number | null;
  readonly reason: string;
}

/** Where to connect: what a client needs of a server. */
export interface Endpoint {
  readonly id: string;
  readonly address: string;
  readonly ports: Readonly<Record<string, number>>;
}

export interface Placement {
  readonly session: Session;
  readonly server: Endpoint;
  readonly ticket: string;
  /** Set where the player held this place before the call. */
  readonly existing?: boolean;
  /** Placements of the others of the party, the caller's excluded. */
  readonly party?: readonly { readonly session: Session; readonly ticket: string }[];
}

export interface Queued {
  readonly queueTicket: string;
  /** 1 is next. */
  readonly position: number;
  /** How long it may yet take at the pace of the last two minutes; null where nobody was placed to tell by. */
  readonly estimatedWaitMs: number | null;
  readonly sessionId: string;
  readonly deadlineAt: string;
  readonly reason: string;
}

export interface QueueEntry extends Queued {
  readonly region: string;
  readonly playerId: string;
  readonly experienceId: string;
  readonly party: readonly string[];
  readonly since: string;
}

/** Which servers a match may be put on; all that is given has to hold. The names are Agones'. */
export interface ServerSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly version?: string;
  /** Only whole, free servers are given, so this is the only state; here because Agones' clients send it. */
  readonly gameServerState?: "Ready";
}

export interface MatchAllocation {
  readonly server: Server;
  /** `host:port` of the first game port. */
  readonly connection: string;
  readonly matchId: string;
  readonly tickets: Readonly<Record<string, string>>;
}

export interface Fleet {
  readonly experienceId: string;
  readonly region: string;
  readonly version: string;
  readonly kind: "match" | "world";
  readonly servers: Readonly<Record<ServerState, number>>;
  /** How many servers there shall be now, within the maximums of experience and region. */
  readonly desired: number;
  readonly seats: { readonly total: number; readonly held: number; readonly free: number };
  readonly queued: number;
  readonly policy: FleetPolicy;
  /** A version that is being taken in; null where there is none. */
  readonly rollout: FleetRollout | null;
}

export interface FleetRollout {
  readonly fromVersion: string;
  readonly toVersion: string;
  /** `canary`: a share of the fleet runs it; `rolling`: all new servers do, old ones go as they empty. */
  readonly state: "canary" | "rolling";
  readonly paused: boolean;
  /** 0 to 1. */
  readonly share: number;
  /** Servers by version. */
  readonly servers: Readonly<Record<string, number>>;
  readonly failures: number;
  readonly startedAt: string;
  readonly reason: string;
}

/** The document's ScalingPolicy as it is over HTTP. */
export interface FleetPolicy {
  readonly minServers: number;
  readonly maxServers: number;
  readonly targetCpu: number;
  readonly targetPlayers: number;
  readonly scaleUpThreshold: number;
  readonly scaleDownThreshold: number;
  readonly scaleUpCooldownSecs: number;
  readonly scaleDownCooldownSecs: number;
  /** Free capacity kept ready: servers, `5`, or a share of what is in use, `"10%"`. */
  readonly buffer: number | string;
  /** p95 of the time from asking for a seat to having it, above which a server is added; null: not used. */
  readonly targetResponseMs: number | null;
  /** Whether servers with few players are emptied where the others have room: by waiting, or by moving the players. */
  readonly defragment: "off" | "wait" | "move";
  readonly defragmentIntervalSecs: number;
  /** The first entry that applies decides how much is kept ready, instead of `buffer`. */
  readonly chain: readonly ScalingEntry[];
}

/** An entry of a fleet's chain of scaling policies: Agones' FleetAutoscaler, durations in seconds. One of the last four. */
export interface ScalingEntry {
  readonly id?: string;
  readonly schedule?: {
    /** ISO 8601. */
    readonly between?: { readonly start?: string; readonly end?: string };
    readonly activePeriod?: {
      readonly timezone?: string;
      readonly startCron?: string;
      readonly durationSecs?: number;
    };
  };
  readonly buffer?: {
    readonly bufferSize: number | string;
    readonly minReplicas?: number;
    readonly maxReplicas?: number;
  };
  readonly counter?: ScalingCount;
  readonly list?: ScalingCount;
  readonly webhook?: {
    readonly url: string;
    readonly caFile?: string;
    readonly secretEnv?: string;
    readonly timeoutSecs?: number;
  };
}

export interface ScalingCount {
  readonly key: string;
  readonly bufferSize: number | string;
  readonly minCapacity?: number;
  readonly maxCapacity?: number;
}

export interface Region {
  readonly name: string;
  readonly state: "up" | "draining" | "down";
  readonly url: string | null;
  /** Where to measure how far it is: an HTTP URL that answers anything, and `host:port` that sends UDP packets back. */
  readonly ping: { readonly http: string; readonly udp: string } | null;
  readonly location: readonly [number, number] | null;
  readonly nodes: readonly {
    readonly id: string;
    readonly state: "connected" | "isolated" | "suspect" | "down";
    readonly address: string;
    readonly servers: number;
  }[];
  readonly servers: number;
  readonly players: number;
  readonly queued: number;
  readonly seats: { readonly total: number; readonly held: number; readonly free: number };
  /** Mean CPU share of its servers. */
  readonly cpu: number;
  readonly leader: string | null;
  readonly epoch: number;
  /** How far its players are on their way to other regions; null while it is not being drained. */
  readonly drain: RegionDrainView | null;
}

export interface RegionDrainView {
  readonly movesAt: string;
  /** Sessions that were moved since this leader leads, that other regions were asked to take, and that are here. */
  readonly moved: number;
  readonly moving: number;
  readonly left: number;
  /** Why players cannot go anywhere at the moment, by experience. */
  readonly stuck: Readonly<Record<string, string>>;
}

/** Told to the other regions each second, so that any of them can choose for a player. */
export interface RegionSummary {
  readonly region: string;
  readonly state: "up" | "draining" | "down";
  readonly location: readonly [number, number] | null;
  /** By experience, then version. `canGrow`: below its maximum. */
  readonly experiences: Readonly<
    Record<
      string,
      readonly {
        readonly version: string;
        /** Which client versions it takes; any where it does not say. */
        readonly clients?: string;
        readonly mods: readonly string[];
        readonly free: number;
        readonly queued: number;
        readonly canGrow: boolean;
        readonly cpu: number;
      }[]
    >
  >;
}

/** Every event has a time and the ids of what it is about; `reason` is for people. */
export type ForgeEvent = { readonly region: string; readonly at: string; readonly reason: string } & (
  | {
      readonly type:
        | "server.spawned"
        | "server.placed"
        | "server.ready"
        | "server.allocated"
        | "server.draining"
        | "server.suspect"
        | "server.strained"
        | "server.unhealthy"
        | "server.stopping"
        | "server.terminated"
        | "server.blocked"
        | "server.replaced";
      readonly serverId: string;
      readonly experienceId: string;
      readonly detail?: Readonly<Record<string, unknown>>;
    }
  | {
      readonly type:
        | "session.queued"
        | "session.reserved"
        | "session.joined"
        | "session.left"
        | "session.migrating"
        | "session.moved"
        | "session.ended"
        | "session.lost";
      readonly sessionId: string;
      readonly playerId: string;
      readonly experienceId: string;
      readonly serverId: string | null;
      readonly detail?: Readonly<Record<string, unknown>>;
    }
  /** Failover told step by step; `step` in this order for one server. */
  | {
      readonly type: "failover";
      readonly step: "detect" | "isolate" | "migrate" | "terminate" | "replace";
      readonly serverId: string;
      readonly experienceId: string;
      readonly detail?: Readonly<Record<string, unknown>>;
    }
  | {
      readonly type: "scaling";
      readonly experienceId: string;
      readonly action: "up" | "down";
      readonly from: number;
      readonly to: number;
      readonly detail?: Readonly<Record<string, unknown>>;
    }
  /** A version is taken in, or taken back. `toVersion` is the one that servers go to by this step. */
  | {
      readonly type: "rollout";
      readonly experienceId: string;
      readonly step: "started" | "promoted" | "paused" | "resumed" | "rolledBack" | "done";
      readonly fromVersion: string;
      readonly toVersion: string;
      readonly detail?: Readonly<Record<string, unknown>>;
    }
  | {
      readonly type:
        | "node.connected"
        | "node.suspect"
        | "node.down"
        | "node.isolated"
        | "node.restored"
        | "leader.changed"
        | "config.changed"
        | "config.rejected"
        | "region.draining"
        | "region.moving"
        | "region.stuck"
        | "region.drained"
        | "region.undrained";
      readonly detail?: Readonly<Record<string, unknown>>;
    }
);

/** Why something was decided: what was known, what was weighed, what came out. */
export interface DecisionRecord {
  readonly id: string;
  readonly at: string;
  readonly kind: "route" | "scale" | "failover" | "queue" | "drain" | "spawn" | "stop" | "match" | "rollout";
  readonly subject: string;
  readonly outcome: string;
  readonly reasons: readonly string[];
  readonly considered: readonly {
    readonly id: string;
    readonly score: number;
    readonly parts: Readonly<Record<string, number>>;
  }[];
}
