import type { CountedList, Counter } from "./counts";
import type { ExpectedServer } from "./expected-server";
import type { ServerStats } from "./server-stats";

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
