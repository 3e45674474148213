import type { AllocateOrder } from "../../protocol/allocation";
import type { RegionDrain, RequestBody } from "../../protocol/messages";
import { countOnNode, newAgentNode, type AgentNode } from "./agent-node";
import type { PendingAllocation } from "./allocate-server";
import type { IdSource } from "./core-interface";
import type { DrainAsk } from "./drain-mark";
import type { EarlySeats } from "./early-seats";
import { Fading } from "./fading";
import { newFleet, type Fleet } from "./fleet";
import type { GameServer } from "./game-server";
import type { Group } from "./group";
import type { CoreSettings } from "./input";
import type { FleetAsk } from "./kept-fleets";
import type { EndingRecord } from "./kept-endings";
import type { NodeRecord } from "./kept-nodes";
import { Marks } from "./marks";
import { newMoveOut, type MoveOut } from "./move-out";
import { Outbox } from "./outbox";
import type { OwedForget, OwedRelease } from "./owed";
import type { PlayerSession } from "./player-session";
import { Records } from "./records";
import type { RegionSummary } from "./resources";
import { SavedStates } from "./saved-states";
import { placeInIndex } from "./routing";
import { Timers } from "./timers";

/** What a request to an agent was for, and so what its ack means. */
export type RequestPurpose =
  | { readonly kind: "epoch"; readonly epoch: number }
  | { readonly kind: "expect"; readonly server: GameServer }
  | { readonly kind: "seats"; readonly server: GameServer; readonly group: Group; readonly asked: number }
  | { readonly kind: "close"; readonly server: GameServer }
  | {
      readonly kind: "allocation";
      readonly server: GameServer;
      readonly pending: PendingAllocation;
      readonly from: AllocateOrder["from"];
      /** Seats that it stands for until the answer comes. */
      readonly asked: number;
    }
  /** Seats that were given up on before the answer came. */
  | { readonly kind: "late"; readonly server: GameServer }
  | { readonly kind: "release"; readonly owed: OwedRelease }
  | { readonly kind: "forget"; readonly owed: OwedForget }
  | { readonly kind: "drain"; readonly drain: RegionDrain; readonly ask: DrainAsk | null }
  | { readonly kind: "reach"; readonly server: GameServer; readonly from: AgentNode; readonly control: boolean }
  | { readonly kind: "told" };

export interface OpenRequest {
  readonly id: number;
  readonly nodeId: string;
  readonly sentAtMs: number;
  /** Set to nothing much once it is answered. */
  purpose: RequestPurpose;
}

/** A player's `followSession`, until the session has moved, ended, or the time is up. */
export interface Follower {
  readonly requestId: number;
  readonly session: PlayerSession;
  readonly afterGeneration: number;
  readonly fromServerId: string | undefined;
  readonly untilMs: number;
}

/** What a matchId was used for; kept for ten minutes, so that asking again gives the same match. */
export interface MatchRecord {
  readonly experienceId: string;
  readonly matchId: string;
  readonly group: Group;
  server: GameServer | null;
  /** Over: the id stays known for ten minutes. */
  ended: boolean;
}

/** How long ended servers and sessions can still be asked for. */
const KEEP_ENDED_MS = 60_000;
/** Longer than anybody may wait. */
const KEEP_SPENT_MS = 600_000;
const SPENT_TICKETS = 100_000;
/** How long a matchId stands for the same match. */
const KEEP_MATCHES_MS = 600_000;
const ENDED_SESSIONS = 50_000;
const ENDED_SERVERS = 20_000;
const MATCHES = 50_000;

/** Everything the core knows. Functions of the other files work on it; nothing outside the core ever sees it. */
export class CoreState {
  nowMs = 0;
  leader = false;
  epoch = 0;
  /** It leads without being sure to lead alone: see `holding.ts`. */
  holding = false;
  /** forge.toml as it was read meanwhile. */
  settingsHeld: CoreSettings | null = null;
  /** The engine's whole list was seen since this core began to lead, or before. */
  engineListed = false;
  /** Until then nothing is started or placed unless every node that runs servers has told its seats. */
  rebuildUntilMs = Infinity;
  rebuilding = true;
  /** What earlier leaders kept of the fleets: `nowhere` to ask, asked for, or read. */
  kept: "nowhere" | "awaited" | "known" = "nowhere";
  /** So long sizes and versions wait for it; seats wait less. */
  keptUntilMs = -Infinity;
  /** Something that the next leader has to know of a fleet has changed. */
  keepDue = false;
  /** Of the last `keepFleets`. */
  keepSeq = 0;
  fleetAsks: FleetAsk[] = [];
  /** Of servers that a standby does not know yet; the oldest first. */
  readonly earlySeats = new Map<string, EarlySeats>();
  /** When a standby looks next for servers to forget. */
  nextLostLookMs = -Infinity;
  /** The same of nodes. */
  nextNodesLookMs = -Infinity;
  /** What earlier leaders kept of nodes that this one has not met yet. */
  readonly nodesBefore = new Map<string, NodeRecord>();
  /** The same of servers that are to end. */
  readonly endingsBefore = new Map<string, EndingRecord>();
  /** An agent follows a higher epoch: another leads, and nothing may be decided here any more. */
  outranked: number | null = null;
  /** What was said last of draining the region; undefined where nobody ever did. */
  drain: RegionDrain | undefined;
  /** Commands that wait until the agents keep what was said. */
  readonly drainAsks = new Set<DrainAsk>();
  moveOut: MoveOut = newMoveOut();
  nextTransferId = 1;
  peers: readonly RegionSummary[] = [];
  readonly out: Outbox;
  readonly timers = new Timers();
  readonly records: Records;
  readonly saved = new SavedStates();
  readonly fleets = new Map<string, Fleet>();
  readonly servers = new Map<string, GameServer>();
  readonly sessions = new Map<string, PlayerSession>();
  readonly nodes = new Map<string, AgentNode>();
  readonly requests = new Map<number, OpenRequest>();
  readonly tickets = new Map<string, Group>();
  readonly matches = new Map<string, MatchRecord>();
  /** Claims of allocations that their agents have not answered yet. */
  openClaims = 0;
  /** Allocations that may share a server which is being claimed at this moment: they look again with each answer. */
  readonly parked: PendingAllocation[] = [];
  readonly followers = new Map<string, Follower[]>();
  readonly endedSessions = new Fading<PlayerSession>(KEEP_ENDED_MS, ENDED_SESSIONS, (session) => {
    if (this.sessions.get(session.id) === session) this.sessions.delete(session.id);
  });
  readonly endedServers = new Fading<GameServer>(KEEP_ENDED_MS, ENDED_SERVERS, (server) => this.forgetServer(server));
  readonly oldTickets = new Fading<string>(KEEP_ENDED_MS, ENDED_SESSIONS, (ticket) => this.tickets.delete(ticket));
  /** Tickets of waits that are over: none of them is taken up again. */
  readonly spent = new Set<string>();
  readonly spentTickets = new Fading<string>(KEEP_SPENT_MS, SPENT_TICKETS, (ticket) => this.spent.delete(ticket));
  readonly oldMatches = new Fading<string>(KEEP_MATCHES_MS, MATCHES, (key) => this.matches.delete(key));
  /** Fleets and servers to look at before the input is done with. */
  readonly dirty = new Marks<Fleet>();
  readonly ending = new Set<GameServer>();
  /** Starts that no node has room for. */
  readonly short = new Set<GameServer>();
  /** Servers that another node is making a handshake with, and whose turn it is to make one. */
  readonly reaching = new Set<GameServer>();
  nextProber = 0;
  /** Stops that the engine has not confirmed yet. */
  readonly stopping = new Set<GameServer>();
  /** Groups whose last player has gone while they waited: whoever waits for them is told. */
  readonly emptied: Group[] = [];
  private nextRequestId = 1;

  constructor(
    public settings: CoreSettings,
    readonly controllerId: string,
    readonly ids: IdSource,
    readonly avoidsNodes: boolean,
  ) {
    this.out = new Outbox(settings.region);
    this.records = new Records(ids);
  }

  fleet(experienceId: string): Fleet {
    let fleet = this.fleets.get(experienceId);
    if (!fleet) {
      fleet = newFleet(experienceId, this.settings.experiences[experienceId] ?? null);
      this.fleets.set(experienceId, fleet);
    }
    return fleet;
  }

  node(nodeId: string): AgentNode {
    let node = this.nodes.get(nodeId);
    if (!node) this.nodes.set(nodeId, (node = newAgentNode(nodeId, this.nowMs)));
    return node;
  }

  /** It takes no new players, and gives those it has to other regions. */
  get draining(): boolean {
    return this.drain?.on ?? false;
  }

  /** It leads and knows what there is. Before that losses are noted, not acted on. */
  get deciding(): boolean {
    return this.leader && !this.rebuilding;
  }

  /** Whether the node's agent takes requests of this leader: it acknowledged the epoch and sent its seats. */
  usable(nodeId: string | null): boolean {
    const node = nodeId === null ? undefined : this.nodes.get(nodeId);
    return !!node && this.leader && node.connected && node.snapshotSeen && node.epochAcked === this.epoch;
  }

  /** Sends a request whose ack will come back with this purpose. */
  send(nodeId: string, body: RequestBody, purpose: RequestPurpose): void {
    const id = this.nextRequestId++;
    this.requests.set(id, { id, nodeId, sentAtMs: this.nowMs, purpose });
    this.out.push({ type: "send", nodeId, id, body });
  }

  /** Brings a server's place in its fleet's index up to date; call after every change of it. */
  reindex(server: GameServer): void {
    const fleet = this.fleets.get(server.experienceId);
    if (!fleet) return;
    const node = server.nodeId === null ? undefined : this.nodes.get(server.nodeId);
    const open = server.strain === null && this.nowMs >= server.pausedUntilMs && this.usable(server.nodeId);
    placeInIndex(fleet, server, open, node?.isolation ? "last" : "any");
    countOnNode(server, node);
    this.dirty.add(fleet);
    if (server.ending) this.ending.add(server);
  }

  private forgetServer(server: GameServer): void {
    // It was dropped, and may have been found anew.
    if (this.servers.get(server.id) !== server) return;
    // Its sessions still wait for a place: they need what it saved, and its agent still has their seats.
    if (server.seats.size > 0) {
      this.endedServers.add(server, this.nowMs);
      return;
    }
    this.servers.delete(server.id);
    this.nodes.get(server.nodeId ?? "")?.servers.delete(server);
    this.saved.dropServer(server.id);
    if (server.engine !== "held") this.out.push({ type: "forget", serverId: server.id });
  }
}
