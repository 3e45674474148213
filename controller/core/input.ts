import type { ExperienceConfig, HealthPolicy, RegionScaling } from "../../config/config";
import type { FromAgent } from "../../protocol/messages";
import type { EngineEvent, EngineServer } from "../engine";
import type { AllocationRequest } from "./allocation";
import type { Arrival } from "./arrival";
import type { CommandValues, CoreProblem } from "./decision";
import type { Kept } from "./kept-fleets";
import type { QueueClaim } from "./queue-claim";
import type { UnheardNode } from "./unheard-nodes";
import type { FleetPolicy, RegionSummary, ServerSelector } from "./resources";

/** Everything that the core ever learns. `nowMs` is the only clock it has. */
export type Input = { readonly nowMs: number } & (
  | { readonly type: "command"; readonly requestId: number; readonly command: Command }
  | { readonly type: "agent"; readonly nodeId: string; readonly message: Exclude<FromAgent, { type: "ping" }> }
  /** The stream to an agent ended or fell silent. `heardMs`: when something was last heard of it. */
  | { readonly type: "agentSilent"; readonly nodeId: string; readonly reason: string; readonly heardMs: number }
  | { readonly type: "engine"; readonly event: EngineEvent }
  /**
   * The engine's whole list: at start, with leadership, and after a `resync`. `sinceMs`: when it was asked for; what was
   * heard of a server later is newer than the list.
   */
  | { readonly type: "engineList"; readonly servers: readonly EngineServer[]; readonly sinceMs?: number }
  /**
   * `holding`: it leads, but not surely alone: nothing is started, stopped or changed for good until that is over.
   * `keeps`: what it decides of fleets and nodes is kept for the next leader, and what the last one kept comes as `fleetsRead`.
   */
  | {
      readonly type: "leadership";
      readonly leader: boolean;
      readonly epoch: number;
      readonly holding?: boolean;
      readonly keeps?: boolean;
    }
  | { readonly type: "fleetsRead"; readonly epoch: number; readonly kept: Kept }
  /** The newest `keepFleets` up to this one is kept; with a `failure` it is not yet. */
  | { readonly type: "fleetsKept"; readonly seq: number; readonly failure?: string }
  | { readonly type: "policy"; readonly settings: CoreSettings }
  /** A scaling webhook has answered, or not: `failure` says why. */
  | {
      readonly type: "advice";
      readonly experienceId: string;
      readonly url: string;
      readonly answer: { readonly scale: boolean; readonly replicas: number } | { readonly failure: string };
    }
  | { readonly type: "peers"; readonly regions: readonly RegionSummary[] }
  /** Another region has answered a `transfer`, or nobody has. */
  | {
      readonly type: "transferred";
      readonly transferId: number;
      readonly result:
        | { readonly ok: true; readonly value: CommandValues["takeIn"] }
        | { readonly ok: false; readonly problem: Pick<CoreProblem, "code" | "detail"> };
    }
  /** What another controller of the region knows of nodes that it does not hear. */
  | { readonly type: "unheard"; readonly nodes: readonly UnheardNode[] }
  /** At least once a second, and whenever a `wake` decision's time has come. */
  | { readonly type: "tick" }
);

/** The part of forge.toml that the core decides by, for one region. */
export interface CoreSettings {
  readonly region: string;
  readonly location: readonly [number, number] | undefined;
  readonly regionLocations: Readonly<Record<string, readonly [number, number]>>;
  readonly scaling: RegionScaling;
  readonly health: HealthPolicy;
  /** Only those that run in this region. */
  readonly experiences: Readonly<Record<string, ExperienceConfig>>;
  /** Seconds a granted seat waits for its player; 30. */
  readonly leaseSecs: number;
  /** An agent silent for so long makes its servers suspect; 3. */
  readonly suspectAfterSecs: number;
  readonly scalingIntervalSecs: number;
  readonly publicAddress: string;
}

/**
 * What people and programs ask for. Each is answered by exactly one `reply` decision with its requestId,
 * at once or after agents and engine have answered.
 */
export type Command =
  | {
      readonly type: "spawnServer";
      readonly serverId?: string;
      /** All ids that begin so come of one Idempotency-Key: where there is another of them, nothing is started. */
      readonly keyPrefix?: string;
      readonly experienceId: string;
      readonly maxPlayers?: number;
      readonly version?: string;
      readonly labels?: Readonly<Record<string, string>>;
      readonly annotations?: Readonly<Record<string, string>>;
      readonly waitReady: boolean;
    }
  | { readonly type: "listServers"; readonly experienceId?: string; readonly state?: string }
  | { readonly type: "getServer"; readonly serverId: string }
  | {
      readonly type: "labelServer";
      readonly serverId: string;
      readonly labels?: Readonly<Record<string, string | null>>;
      readonly annotations?: Readonly<Record<string, string | null>>;
    }
  /** Ends a server after its players left or were moved, `drainSecs` at the latest; 0 moves them at once. `force` stops it with players on. */
  | {
      readonly type: "terminateServer";
      readonly serverId: string;
      readonly drainSecs: number;
      readonly force: boolean;
      readonly reason: string;
    }
  | {
      readonly type: "createSession";
      readonly playerId: string;
      readonly experienceId: string;
      readonly version?: string;
      /** Of the player's own program: only versions that take it are given. */
      readonly clientVersion?: string;
      readonly mods?: readonly string[];
      readonly latencies?: Readonly<Record<string, number>>;
      readonly party?: readonly string[];
      readonly deadlineMs?: number;
    }
  | {
      readonly type: "routePlayers";
      readonly serverId: string;
      readonly players: readonly string[];
      readonly clientVersion?: string;
    }
  | { readonly type: "getSession"; readonly sessionId: string }
  | {
      readonly type: "findSessions";
      readonly playerId?: string;
      readonly experienceId?: string;
      readonly serverId?: string;
    }
  /**
   * Answers when the session's generation exceeds `afterGeneration` and it has a seat again, or it ended, or `untilMs` has come. Where it
   * is said of which server its player was told last, a seat of that generation on another is an answer too. Reply: `FollowResult`.
   */
  | {
      readonly type: "followSession";
      readonly sessionId: string;
      readonly afterGeneration: number;
      readonly fromServerId?: string | undefined;
      readonly untilMs: number;
    }
  | {
      readonly type: "updateSession";
      readonly sessionId: string;
      readonly latencyMs?: number;
      readonly packetLoss?: number;
      readonly lastActivityMs?: number;
    }
  | { readonly type: "endSession"; readonly sessionId: string; readonly reason: string }
  | { readonly type: "listQueue"; readonly experienceId?: string }
  /** Answers with a Placement when placed, else with Queued at `untilMs`. */
  | {
      readonly type: "waitQueue";
      readonly queueTicket: string;
      readonly untilMs: number;
      /** What its ticket carries: with it the wait goes on where this controller does not know it. */
      readonly claim?: QueueClaim;
    }
  | { readonly type: "leaveQueue"; readonly queueTicket: string; readonly claim?: QueueClaim }
  | {
      readonly type: "allocateMatch";
      readonly experienceId: string;
      readonly matchId: string;
      readonly players: readonly { readonly playerId: string; readonly latencies?: Readonly<Record<string, number>> }[];
      readonly version?: string;
      readonly clientVersion?: string;
      /** In order of preference: the first that a free server satisfies decides. None: any server. */
      readonly selectors?: readonly ServerSelector[];
      readonly labels?: Readonly<Record<string, string>>;
      readonly annotations?: Readonly<Record<string, string>>;
      readonly deadlineMs?: number;
    }
  /** A whole server for someone who names no players, as Agones allocates. */
  | { readonly type: "allocateServer"; readonly request: AllocationRequest }
  | { readonly type: "listFleets" }
  | { readonly type: "getFleet"; readonly experienceId: string }
  | {
      readonly type: "putFleet";
      readonly experienceId: string;
      readonly version?: string;
      readonly desired?: number;
      readonly policy?: Partial<FleetPolicy>;
      /** With `version`: this share of the fleet runs it first, above 0 and below 1. Without: another share for the canary. */
      readonly canary?: number;
      readonly rollout?: "promote" | "pause" | "resume" | "rollback";
    }
  | { readonly type: "getRegion" }
  /** What is known of nodes that are not heard now. */
  | { readonly type: "tellUnheard" }
  /** Its players are moved to other regions, from `afterSecs` on; off, those who have not been moved yet stay. */
  | { readonly type: "drainRegion"; readonly on: boolean; readonly afterSecs?: number }
  /** Players of a region that is being drained: seats for all of them here or for none. Asked again, the same seats. */
  | ({ readonly type: "takeIn" } & Arrival)
  | { readonly type: "getDecision"; readonly id: string };

export type CommandType = Command["type"];
