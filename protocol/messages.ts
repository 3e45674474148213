/**
 * What controller and agent say to each other, version 3 (what is new in it: `versions.ts`). Plain JSON, one message a line (see `codec.ts`);
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
 *
 * Requests and their answers are in `requests.ts`, how a server is to be treated in `expected-server.ts`, and what an agent
 * knows of it in `server-report.ts`.
 */

import type { CountedList, Counter } from "./counts";
import type { Ack, Request } from "./requests";
import type { RegionDrain } from "./region-drain";
import type { SavedState, SeatReport, ServerReport } from "./server-report";
import type { ServerStats } from "./server-stats";

export type * from "./expected-server";
export type * from "./region-drain";
export type * from "./requests";
export type * from "./server-report";
export type * from "./server-stats";

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

/** Things that happened at the agent, in order. */
export type AgentEvent = { readonly serverId: string; readonly allocationId: string; readonly atMs: number } & (
  | { readonly kind: "ready" }
  | { readonly kind: "reserved"; readonly untilMs: number | undefined }
  /** A server on Agones' SDK allocated itself. */
  | { readonly kind: "selfAllocated" }
  | { readonly kind: "matchEnded"; readonly matchId: string }
  | { readonly kind: "health"; readonly healthy: boolean; readonly reason: string }
  | { readonly kind: "stats"; readonly stats: ServerStats }
  /**
   * A leader of this epoch was given these seats, which it hears of by the answer: told to the other controllers, so that
   * whoever leads next knows them even if this node is gone by then. `matchId`: the match that has the whole server.
   */
  | {
      readonly kind: "granted";
      readonly epoch: number;
      readonly seats: readonly SeatReport[];
      readonly matchId: string | undefined;
    }
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
