/**
 * What controller and agent say to each other, version 2 (what is new in it: `versions.ts`). Plain JSON, one message a line (see `codec.ts`);
 * the same over a pipe in one process and a socket between two.
 *
 * The agent dials every controller replica it knows and says `hello`; the controller answers `welcome`.
 * After that the agent sends its `snapshot` and streams `report`s; only the leader sends requests, each with its epoch.
 *
 *     agent                          controller
 *       | hello ------------------------> |
 *       | <---------------------- welcome |
 *       | snapshot ---------------------> |   everything it owns, so a controller can rebuild from it
 *       | report -----------------------> |   … as things happen, in order
 *       | <---------------------- request |   expect, grant, release, claim, allocate, close, notice, forget, epoch
 *       | ack --------------------------> |   one for each request, same id
 *       | ping / <------------------ ping |   silence for 3 s makes the other side suspect
 */

import type { AllocateOrder } from "./allocation";
import type { CountedList, Counter } from "./counts";
import type { ServerStats } from "./server-stats";

export type { ServerStats } from "./server-stats";

export interface Hello {
  readonly type: "hello";
  readonly protocol: { readonly oldest: number; readonly newest: number };
  readonly nodeId: string;
  readonly region: string;
  /** New at every start of the agent's process. */
  readonly bootId: string;
  readonly agentVersion: string;
  /** The highest epoch this agent has journaled; 0 at first. */
  readonly epoch: number;
  readonly node: NodeFacts;
  /** What not every agent of this version can do, as `AgentAbility` names it. */
  readonly can?: readonly string[];
}

/** `reach`: the request of that name. `openDraining`: a `draining` notice without a deadline. */
export type AgentAbility = "reach" | "openDraining";

export interface NodeFacts {
  readonly address: string;
  /** MHz, cores × 1000 where the machine does not say. */
  readonly cpu: number;
  /** MiB. */
  readonly memory: number;
  /** Which limits the node can really enforce on servers. */
  readonly limits: { readonly cpu: boolean; readonly memory: boolean; readonly detail: string };
}

export interface Welcome {
  readonly type: "welcome";
  readonly protocol: number;
  readonly controllerId: string;
  readonly region: string;
  readonly leader: boolean;
  readonly epoch: number;
}

/** Sent instead of `welcome`, before closing: wrong region, no common version, bad secret. */
export interface Refused {
  readonly type: "refused";
  readonly code: "protocolVersion" | "region" | "auth";
  readonly detail: string;
}

export interface Snapshot {
  readonly type: "snapshot";
  readonly epoch: number;
  readonly servers: readonly ServerReport[];
  /** Latest saved states, so that a new leader has them too. */
  readonly saved: readonly SavedState[];
  /** Whether the region is being drained, as a leader said last; undefined where none ever was. */
  readonly drain?: RegionDrain | undefined;
}

/**
 * Whether a region is being drained, kept by its agents so that every leader goes on with it. Of two the newer counts:
 * the higher epoch, and within one the later time.
 */
export interface RegionDrain {
  readonly on: boolean;
  /** Of the leader that was told. */
  readonly epoch: number;
  readonly atMs: number;
  /** From when on its players are moved to other regions. */
  readonly movesAtMs: number;
}

/** What an agent knows of one server: its identity is serverId + allocationId. */
export interface ServerReport {
  readonly serverId: string;
  readonly allocationId: string;
  readonly expect: ExpectedServer;
  /** What the server says of itself (SDK) or its probes say for it. */
  readonly ready: boolean;
  readonly reserved: boolean;
  /** Taken by its own word (Agones' `Allocate`); left out where not. */
  readonly selfAllocated?: boolean;
  readonly healthy: boolean;
  /** No more seats: closed for good, only ever followed by its stop. */
  readonly closed: boolean;
  /** The match that claimed the whole server. */
  readonly claim: { readonly matchId: string; readonly sessionIds: readonly string[] } | undefined;
  readonly seats: readonly SeatReport[];
  /** Players seen without a seat (`observed` counting only). */
  readonly walkIns: number;
  /** The process is gone; the seats in it are orphans until the controller says `forget`. */
  readonly gone: { readonly reason: string; readonly atMs: number } | undefined;
  readonly stats: ServerStats | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Where it has some: what the server counts beside its seats. */
  readonly counters?: Readonly<Record<string, Counter>>;
  readonly lists?: Readonly<Record<string, CountedList>>;
  readonly tracked?: CountedList | undefined;
}

export interface SeatReport {
  readonly sessionId: string;
  readonly playerId: string;
  readonly generation: number;
  readonly joined: boolean;
  readonly grantedAtMs: number;
  readonly joinedAtMs: number | undefined;
  /** Of an unjoined seat: when it goes back. */
  readonly leaseExpiresAtMs: number | undefined;
  /** Opaque to the agent; the controller's own record of the session, at most 2 KiB. */
  readonly carry: SessionCarry;
}

/** What a controller needs to rebuild a session that it never saw. */
export interface SessionCarry {
  readonly experienceId: string;
  readonly version: string;
  readonly mods: readonly string[];
  readonly party: readonly string[];
  readonly requestedRegion: string | undefined;
  readonly latencies: Readonly<Record<string, number>>;
  readonly connectedAtMs: number;
  readonly matchId: string | undefined;
}

/** A state that a server saved: of one player (at most 4 KiB) or, with no player, of itself (at most 256 KiB). */
export interface SavedState {
  readonly serverId: string;
  readonly playerId: string | undefined;
  readonly data: string;
  readonly atMs: number;
}

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

export interface SeatRequest {
  readonly sessionId: string;
  readonly playerId: string;
  readonly generation: number;
  readonly carry: SessionCarry;
  /** The player's saved state from the server that was lost. */
  readonly restore: { readonly data: string; readonly savedAtMs: number } | undefined;
}

/** Requests of the leader. `grant` is all or none. */
export type RequestBody =
  /** `drain`: to be kept where it is newer than what the agent has; an agent that does not know the key drops it. */
  | { readonly kind: "epoch"; readonly drain?: RegionDrain | undefined }
  | { readonly kind: "expect"; readonly server: ExpectedServer }
  | {
      readonly kind: "grant";
      readonly serverId: string;
      readonly allocationId: string;
      readonly seats: readonly SeatRequest[];
      readonly leaseMs: number;
    }
  | {
      readonly kind: "claim";
      readonly serverId: string;
      readonly allocationId: string;
      readonly matchId: string;
      readonly seats: readonly SeatRequest[];
      readonly leaseMs: number;
    }
  /**
   * The whole server for one who names no players: all of it or nothing. A server that is free is claimed; of one that is
   * allocated already only labels, annotations, counters and lists change.
   */
  | {
      readonly kind: "allocate";
      readonly serverId: string;
      readonly allocationId: string;
      readonly order: AllocateOrder;
    }
  | {
      readonly kind: "release";
      readonly serverId: string;
      readonly allocationId: string;
      readonly seats: readonly { readonly sessionId: string; readonly generation: number }[];
      readonly reason: string;
    }
  | { readonly kind: "close"; readonly serverId: string; readonly allocationId: string; readonly onlyIfEmpty: boolean }
  | { readonly kind: "notice"; readonly serverId: string; readonly allocationId: string; readonly notice: ServerNotice }
  | {
      readonly kind: "labels";
      readonly serverId: string;
      readonly allocationId: string;
      readonly labels: Readonly<Record<string, string | null>>;
      readonly annotations: Readonly<Record<string, string | null>>;
    }
  /** The server has ended and its sessions are settled: drop it. */
  | { readonly kind: "forget"; readonly serverId: string; readonly allocationId: string }
  /**
   * Try whether players can reach a server of another node. Only for an agent that `can` it; answered when the handshake has
   * succeeded, or with `unreachable`, after `timeoutMs` at the latest.
   */
  | {
      readonly kind: "reach";
      readonly serverId: string;
      readonly allocationId: string;
      /** What players are told: an address or a name. */
      readonly address: string;
      readonly port: number;
      readonly how: ReachHow;
      readonly timeoutMs: number;
    }
  /** The engine saw the server end, or start again under new pids. */
  | { readonly kind: "ended"; readonly serverId: string; readonly allocationId: string; readonly reason: string };

/** A handshake with a server; of `http` and `ws` any answer will do, as a stranger may be refused. */
export type ReachHow =
  | { readonly kind: "tcp" | "http" | "ws" }
  /** As in forge.toml. */
  | { readonly kind: "query"; readonly protocol: string };

/** What a server is told over its SDK stream. */
export type ServerNotice =
  /** Without `deadlineMs` it may run until its players have gone; only agents that can do `openDraining` know that. */
  | { readonly kind: "draining"; readonly deadlineMs?: number; readonly reason: string }
  | { readonly kind: "moved"; readonly playerIds: readonly string[]; readonly reason: string }
  | { readonly kind: "stopping"; readonly graceMs: number }
  /** Where the servers of a fleet role are now, as `host:port` of their first port. */
  | { readonly kind: "peers"; readonly role: string; readonly addresses: readonly string[] };

export interface Request {
  readonly type: "request";
  readonly id: number;
  readonly epoch: number;
  readonly body: RequestBody;
}

export type NackCode =
  | "staleEpoch"
  | "unknownServer"
  | "otherAllocation"
  | "notReady"
  | "full"
  | "closed"
  | "claimed"
  | "notEmpty"
  | "gone"
  | "unhealthy"
  | "olderGeneration"
  | "replaying"
  | "journal"
  | "malformed"
  | "unreachable";

export interface GrantedSeat {
  readonly sessionId: string;
  readonly playerId: string;
  readonly generation: number;
  readonly ticket: string;
  readonly leaseExpiresAtMs: number;
}

export type Ack =
  | {
      readonly type: "ack";
      readonly id: number;
      readonly ok: true;
      readonly epoch: number;
      readonly seats?: readonly GrantedSeat[];
      readonly free?: number;
      /** Of `allocate`: what they are now. */
      readonly counts?: {
        readonly counters: Readonly<Record<string, Counter>>;
        readonly lists: Readonly<Record<string, CountedList>>;
      };
    }
  | {
      readonly type: "ack";
      readonly id: number;
      readonly ok: false;
      readonly epoch: number;
      readonly code: NackCode;
      readonly detail: string;
    };

/** Things that happened at the agent, in order. */
export type AgentEvent = { readonly serverId: string; readonly allocationId: string; readonly atMs: number } & (
  | { readonly kind: "ready" }
  | { readonly kind: "reserved"; readonly untilMs: number | undefined }
  /** A server on Agones' SDK allocated itself. */
  | { readonly kind: "selfAllocated" }
  | { readonly kind: "matchEnded"; readonly matchId: string }
  | { readonly kind: "health"; readonly healthy: boolean; readonly reason: string }
  | { readonly kind: "stats"; readonly stats: ServerStats }
  | { readonly kind: "joined"; readonly sessionId: string; readonly generation: number }
  | {
      readonly kind: "left";
      readonly sessionId: string;
      readonly generation: number;
      readonly reason: "left" | "leaseExpired" | "released" | "matchEnded";
    }
  | { readonly kind: "walkIns"; readonly count: number }
  | { readonly kind: "shutdownAsked" }
  | { readonly kind: "gone"; readonly reason: string }
  | { readonly kind: "saved"; readonly state: SavedState }
  | {
      readonly kind: "labels";
      readonly labels: Readonly<Record<string, string>>;
      readonly annotations: Readonly<Record<string, string>>;
    }
  /** Those that have changed, each whole; several changes within a quarter of a second come as one. */
  | {
      readonly kind: "counts";
      readonly counters: Readonly<Record<string, Counter>>;
      readonly lists: Readonly<Record<string, CountedList>>;
      readonly tracked: CountedList | undefined;
    }
);

export interface Report {
  readonly type: "report";
  readonly events: readonly AgentEvent[];
}

/** Each second both ways. */
export interface Ping {
  readonly type: "ping";
  readonly atMs: number;
}

export type FromAgent = Hello | Snapshot | Ack | Report | Ping;
export type FromController = Welcome | Refused | Request | Ping;

/** A longer line ends the connection. The largest message is the snapshot of a node: about 1 KiB a server and 0.5 KiB a seat. */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
