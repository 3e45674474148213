import type { RequestBody } from "../../protocol/messages";
import type { ServerLaunch } from "../engine";
import type { Arrival } from "./arrival";
import type { WebhookRule } from "../../config/scaling-chain";
import type { CommandType } from "./input";
import type { Kept } from "./kept-fleets";
import type { QueueClaim } from "./queue-claim";
import type { UnheardNode } from "./unheard-nodes";
import type {
  DecisionRecord,
  Fleet,
  ForgeEvent,
  MatchAllocation,
  Placement,
  QueueEntry,
  Queued,
  Region,
  RegionSummary,
  Server,
  Session,
} from "./resources";

/** What the core wants done. The shell carries decisions out in order and never decides anything itself. */
export type Decision =
  | { readonly type: "start"; readonly launch: ServerLaunch; readonly reason: string }
  | { readonly type: "stop"; readonly serverId: string; readonly graceSecs: number; readonly reason: string }
  /** The engine may forget the server, it has ended and is settled. */
  | { readonly type: "forget"; readonly serverId: string }
  /** A request to one agent. `id` is the core's own; the agent's ack comes back with it as an `agent` input. */
  | { readonly type: "send"; readonly nodeId: string; readonly id: number; readonly body: RequestBody }
  /** Ask another region to take these players in; its answer comes back as a `transferred` input with this id. */
  | { readonly type: "transfer"; readonly transferId: number; readonly region: string; readonly arrival: Arrival }
  | { readonly type: "reply"; readonly requestId: number; readonly result: CommandResult }
  | { readonly type: "event"; readonly event: ForgeEvent }
  | { readonly type: "record"; readonly record: DecisionRecord }
  /** Ask a webhook how many servers a fleet shall have; what it says, or that it says nothing, comes as `advice`. */
  | {
      readonly type: "consult";
      readonly experienceId: string;
      readonly webhook: WebhookRule;
      readonly fleet: FleetStatus;
    }
  /** Keep this for the next leader, in place of what was kept before; the outcome comes as `fleetsKept` with this number. */
  | { readonly type: "keepFleets"; readonly seq: number; readonly kept: Kept }
  /** Call `tick` no later than this. */
  | { readonly type: "wake"; readonly atMs: number }
  /** Another leader has a higher epoch: stop leading. */
  | { readonly type: "stepDown"; readonly seenEpoch: number };

/** What a scaling webhook is told of a fleet; the first four are Agones' numbers. */
export interface FleetStatus {
  readonly replicas: number;
  readonly readyReplicas: number;
  readonly reservedReplicas: number;
  readonly allocatedReplicas: number;
  readonly players: number;
  /** Players who wait for a seat. */
  readonly queued: number;
  readonly counters: Readonly<Record<string, { readonly count: number; readonly capacity: number }>>;
  readonly lists: Readonly<Record<string, { readonly count: number; readonly capacity: number }>>;
}

export type CommandResult =
  { readonly ok: true; readonly value: CommandValue } | { readonly ok: false; readonly problem: CoreProblem };

/** By command: what a successful reply carries. */
export interface CommandValues {
  spawnServer: Server;
  listServers: readonly Server[];
  getServer: Server;
  labelServer: Server;
  terminateServer: Server;
  createSession: Placement | Waiting;
  routePlayers: readonly Placement[];
  getSession: Session;
  findSessions: readonly Session[];
  followSession: FollowResult;
  updateSession: Session;
  endSession: Session;
  listQueue: readonly QueueEntry[];
  waitQueue: Placement | Waiting;
  leaveQueue: Waiting;
  allocateMatch: MatchAllocation;
  allocateServer: Server;
  listFleets: readonly Fleet[];
  getFleet: Fleet;
  putFleet: Fleet;
  getRegion: { readonly region: Omit<Region, "url" | "ping" | "leader">; readonly summary: RegionSummary };
  tellUnheard: readonly UnheardNode[];
  drainRegion: Omit<Region, "url" | "ping" | "leader">;
  /** One for each player, in no order. */
  takeIn: readonly Placement[];
  getDecision: DecisionRecord;
}
export type CommandValue = CommandValues[CommandType];

/** Waiting in the queue, with what its ticket has to carry: the API seals it in. */
export interface Waiting extends Queued {
  readonly claim: QueueClaim;
}

/** A session as its player follows it: where it is now, with a fresh ticket where it has a seat. */
export interface FollowResult {
  readonly session: Session;
  readonly server: Placement["server"] | null;
  readonly ticket: string | null;
}

/** Codes of the one error catalogue (`controller/problems.ts`) that the core can answer with. */
export type CoreProblemCode =
  | "unknownServer"
  | "unknownSession"
  | "unknownExperience"
  | "unknownVersion"
  | "clientUnsupported"
  | "unknownMod"
  | "unknownQueueTicket"
  | "unknownDecision"
  | "noCapacity"
  | "partyTooLarge"
  | "queueFull"
  | "deadlineExceeded"
  | "serverFull"
  | "serverNotReady"
  | "serverClosed"
  | "playerElsewhere"
  | "alreadyTerminated"
  | "conflict"
  | "notLeader"
  | "invalid"
  | "idempotencyMismatch"
  | "startFailed"
  | "unavailable";

export interface CoreProblem {
  readonly code: CoreProblemCode;
  /** For people: what was asked, what is so, what to do. */
  readonly detail: string;
  readonly retryAfterSecs?: number;
  readonly info?: Readonly<Record<string, unknown>>;
}
