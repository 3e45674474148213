import type { AllocateOrder } from "./allocation";
import type { CountedList, Counter } from "./counts";
import type { ExpectedServer } from "./expected-server";
import type { RegionDrain } from "./region-drain";
import type { SessionCarry } from "./server-report";

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
  /**
   * `ongoing`: only if the match has the server already, else `matchOver`: who is put beside others begins none alone. An
   * agent that does not know the key begins it.
   */
  | {
      readonly kind: "claim";
      readonly serverId: string;
      readonly allocationId: string;
      readonly matchId: string;
      readonly ongoing?: true | undefined;
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
  | "unreachable"
  /** Of a claim with `ongoing`: its match has not, or no longer, the server. */
  | "matchOver";

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
