import type { CommandValues, CoreProblem } from "../core/decision";
import type { Command, CommandType } from "../core/input";
import type { RegionChoice, RegionWish } from "../core/region-choice";
import type { ForgeEvent, Region } from "../core/resources";
import type { LogOptions } from "../engine";
import type { Metric } from "./metric";

/** Who is asking, as the token said. */
export interface Actor {
  readonly sub: string;
  readonly role: Role;
  readonly regions: readonly string[];
  /** Until then its token may be exchanged for a fresh one of the same kind; undefined where it may not. */
  readonly renewableUntilMs?: number;
}

export type Role = "operator" | "allocator" | "player" | "server" | "viewer";

export type CommandOf<T extends CommandType> = Extract<Command, { type: T }>;
export type ResultOf<T extends CommandType> =
  { readonly ok: true; readonly value: CommandValues[T] } | { readonly ok: false; readonly problem: CoreProblem };

/** What the HTTP API needs of the controller it stands in front of. */
export interface ApiBackend {
  readonly region: string;
  readonly controllerId: string;
  /** All regions of the run, this one included; `url` undefined while a region is not up. */
  regions(): readonly {
    readonly name: string;
    readonly url: string | undefined;
    readonly location: readonly [number, number] | undefined;
  }[];
  status(): BackendStatus;
  /** Calls back each time that somebody else leads this region, or nobody is known to. The result ends it. */
  onLeader(listener: () => void): () => void;
  /** Where players measure how far this region is; null where it has no such service. */
  readonly ping: Region["ping"];
  /** Asks the core; resolves with its one reply. Rejects only where the controller is closing. */
  command<T extends CommandType>(command: CommandOf<T>, actor: Actor): Promise<ResultOf<T>>;
  /** Which region should serve this player: by asked region, measured latency, distance, load, version and free seats. */
  chooseRegion(wish: RegionWish): RegionChoice;
  readonly events: EventSource;
  /** Names of a server's tasks; undefined where they are not known, or not yet. */
  tasks(serverId: string): Promise<readonly string[] | undefined>;
  /** Lines of a server's output. */
  logs(serverId: string, options: LogOptions & { readonly signal: AbortSignal }): AsyncIterable<string>;
  /** Numbers for /metrics beyond what the API counts itself. */
  metrics(): readonly Metric[];
}

export interface BackendStatus {
  readonly leader: boolean;
  readonly epoch: number;
  /** Whether it can place players: leading, agents connected, state rebuilt. */
  readonly ready: boolean;
  readonly detail: string;
  /** Where the leader answers, at a standby that knows it: calls are passed on to there. */
  readonly leaderUrl?: string;
}

/** An event with its id `EPOCH-SEQ`, as SSE sends it. */
export interface StoredEvent {
  readonly id: string;
  readonly event: ForgeEvent;
}

export interface EventSource {
  /** Events after `lastId`, oldest first; `reset` where that is too long ago or from an epoch not held. */
  since(lastId: string | undefined): {
    readonly reset: boolean;
    readonly events: readonly StoredEvent[];
    readonly lastId: string;
  };
  subscribe(listener: (stored: StoredEvent) => void): () => void;
}
