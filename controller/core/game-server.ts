import type { CountedList, Counter } from "../../protocol/counts";
import type { ServerStats } from "../../protocol/messages";
import type { AgentNode } from "./agent-node";
import type { Arrivals } from "./joined-share";
import type { PlayerSession } from "./player-session";
import type { Pool } from "./pool";
import type { Reach } from "./reach";
import type { ServerState } from "./resources";
import type { Strain } from "./vitals";

/** What the engine has told of a server. `held`: not asked for yet; `asked`: start was decided. */
export type EngineView = "held" | "asked" | "placed" | "running" | "exited";

/** Closing is the agent's to do: only what it says is closed is ever stopped. */
export type Closing = "open" | "asked" | "closed";

/** Why a server is on its way out, which decides what happens when it is empty or gone. */
export interface Ending {
  readonly kind: "scaleDown" | "terminate" | "rollout" | "defragment" | "makeRoom" | "failed" | "ownWish" | "isolated";
  /** From then on its players are moved off. */
  moveAtMs: number;
  /** Whether the players on it stop it from being stopped. */
  force: boolean;
  moving: boolean;
  readonly reason: string;
}

/**
 * A loss that was only noted. `gone`: its process is no more; otherwise it hangs. `withNode`: nothing was heard but that its node
 * is down, which is over when the node is back.
 */
export interface Loss {
  readonly reason: string;
  readonly gone: boolean;
  readonly withNode: boolean;
  readonly sinceMs: number;
}

/** The core's view of one server process. Its seats are its agent's; these are what the agent has told or is being asked for. */
export interface GameServer {
  readonly id: string;
  readonly experienceId: string;
  readonly version: string;
  mods: readonly string[];
  /** `server`, or the name of a fleet role. */
  readonly role: string;
  readonly maxPlayers: number;
  readonly sdkToken: string;
  /** Which client versions it was started to take; null: any. Undefined until its launch is known. */
  clients: string | null | undefined;
  readonly createdAtMs: number;
  /** The server whose place it takes. */
  readonly replaces: string | undefined;
  allocationId: string | null;
  nodeId: string | null;
  address: string | null;
  ports: Readonly<Record<string, number>>;
  pids: Readonly<Record<string, number>>;
  logFile: string | undefined;
  engine: EngineView;
  /** When the engine last told where it is. */
  placedMs: number;
  state: ServerState;
  /** What it was before its node fell silent. */
  beforeSuspect: ServerState | null;
  reason: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** What it counts beside its seats, as its agent told last. */
  counters: Readonly<Record<string, Counter>>;
  lists: Readonly<Record<string, CountedList>>;
  tracked: CountedList | null;
  stats: ServerStats | null;
  /** Over a limit of its vitals: it is given no new seats; see vitals.ts. */
  strain: Strain | null;
  /** When it is looked at again whether it is given up for that. */
  strainLookMs: number;
  /** How its newest reservations ended. */
  readonly arrivals: Arrivals;
  /** Handshakes with its public address, made by other nodes. */
  readonly reach: Reach;
  /** Mean of what its players report, newest weighted most. */
  latencyMs: number | null;
  readyAtMs: number | null;
  endedAtMs: number | null;
  /** When it counts as failed unless it is ready by then. */
  readyDeadlineMs: number;

  readonly seats: Set<PlayerSession>;
  /** Seats asked for and not answered yet. */
  inFlight: number;
  walkIns: number;
  /** Seats that the agent says are taken and the core does not know of; looked at again soon. */
  phantom: number;
  /** The match that holds the whole server. */
  matchId: string | null;
  /** A server that allocated or reserved itself is no one's to give. */
  ownBusy: boolean;
  /** A match that it may be claimed for although nobody was told: the answer has not come. It waits for that answer. */
  doubt: string | null;
  closing: Closing;
  /** It was not empty when last asked to close: not asked again before this. */
  closeAgainMs: number;
  /** It was asked for and nobody has come yet: scaling leaves it alone until then; see wanted.ts. */
  wantedUntilMs: number | null;
  ending: Ending | null;
  stopAskedAtMs: number | null;
  /** No grants before this; set where the agent asked for patience. */
  pausedUntilMs: number;
  /** A waiting party for which its free seats are kept. */
  keptFor: object | null;
  /** The agent has its `expect`. */
  expected: boolean;
  /** A loss that was seen while nothing could be decided: it is acted on as soon as that is possible. */
  lost: Loss | null;
  /** Its process has ended because the engine was asked to stop it, by whomever: that is no failure of its version. */
  endAsked: boolean;
  /** It ended while no controller looked: its agent, not heard yet, may hold seats that nobody here knows of. */
  unheard: boolean;
  /** It ended by its own wish or at the end of its match: its players are not moved. */
  finished: boolean;
  readonly waitingReady: number[];

  // Where it stands in its fleet's index and its node's counts; only pool.ts, fleet-index.ts and agent-node.ts touch these.
  onNode: { readonly node: AgentNode; readonly as: "taken" | "free" } | null;
  poolKey: string;
  pool: Pool | null;
  tier: number;
  bucket: number;
  slot: number;
  emptySlot: number;
  countedHeld: number;
  countedFree: number;
  countedCpu: number | null;
  counted: boolean;
}

export interface NewServer {
  readonly id: string;
  readonly experienceId: string;
  readonly version: string;
  readonly mods: readonly string[];
  readonly role: string;
  readonly maxPlayers: number;
  readonly sdkToken: string;
  readonly clients?: string | null | undefined;
  readonly createdAtMs: number;
  readonly replaces?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly counters?: Readonly<Record<string, Counter>> | undefined;
  readonly lists?: Readonly<Record<string, CountedList>> | undefined;
  readonly tracked?: CountedList | undefined;
  readonly reason: string;
}

export function newServer(of: NewServer): GameServer {
  return {
    id: of.id,
    experienceId: of.experienceId,
    version: of.version,
    mods: of.mods,
    role: of.role,
    maxPlayers: of.maxPlayers,
    sdkToken: of.sdkToken,
    clients: of.clients,
    createdAtMs: of.createdAtMs,
    replaces: of.replaces,
    allocationId: null,
    nodeId: null,
    address: null,
    ports: {},
    pids: {},
    logFile: undefined,
    engine: "held",
    placedMs: -Infinity,
    state: "starting",
    beforeSuspect: null,
    reason: of.reason,
    labels: { ...of.labels },
    annotations: { ...of.annotations },
    counters: of.counters ?? {},
    lists: of.lists ?? {},
    tracked: of.tracked ?? null,
    stats: null,
    strain: null,
    strainLookMs: -Infinity,
    arrivals: { bits: 0, count: 0 },
    reach: { nextMs: 0, failures: [], successes: 0, unreachable: null },
    latencyMs: null,
    readyAtMs: null,
    endedAtMs: null,
    readyDeadlineMs: Infinity,
    seats: new Set(),
    inFlight: 0,
    walkIns: 0,
    phantom: 0,
    matchId: null,
    ownBusy: false,
    doubt: null,
    closing: "open",
    closeAgainMs: 0,
    wantedUntilMs: null,
    ending: null,
    stopAskedAtMs: null,
    pausedUntilMs: 0,
    keptFor: null,
    expected: false,
    lost: null,
    endAsked: false,
    unheard: false,
    finished: false,
    waitingReady: [],
    onNode: null,
    poolKey: poolKeyOf(of.version, of.mods, of.maxPlayers),
    pool: null,
    tier: -1,
    bucket: -1,
    slot: -1,
    emptySlot: -1,
    countedHeld: 0,
    countedFree: 0,
    countedCpu: null,
    counted: false,
  };
}

/** Servers with the same key have the same version and mods: what players may ask for. */
export function kindKeyOf(version: string, mods: readonly string[]): string {
  return mods.length === 0 ? version : `${version}\n${mods.join("\n")}`;
}

/** Servers with the same key have the same version, mods and size. */
export function poolKeyOf(version: string, mods: readonly string[], maxPlayers: number): string {
  return `${String(maxPlayers)}\n${kindKeyOf(version, mods)}`;
}

/** Players join it; the servers of a fleet role have no seats. */
export function isPrimary(server: GameServer): boolean {
  return server.role === "server";
}

/** Seats that are taken or promised, walk-ins included. */
export function seatsHeld(server: GameServer): number {
  return server.seats.size + server.inFlight + server.walkIns + server.phantom;
}

/** Somebody has all of it, whatever seats are held. */
export function isTaken(server: GameServer): boolean {
  return server.matchId !== null || server.ownBusy || server.doubt !== null;
}

/** Nobody is on it and nobody is promised a seat on it. */
export function isEmpty(server: GameServer): boolean {
  return seatsHeld(server) === 0 && !isTaken(server);
}
