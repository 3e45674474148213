import { sealTicket, serverTicketKey, type TicketClaims } from "../../protocol/ticket";
import { EventLog } from "../event-log";
import type { CommandValues, CoreProblem, Waiting } from "../core/decision";
import type { CommandType } from "../core/input";
import type { RegionChoice, RegionWish } from "../core/region-choice";
import type { Placement, Region, Server, Session } from "../core/resources";
import type { Actor, ApiBackend, BackendStatus, CommandOf, ResultOf } from "./backend";
import type { LogOptions } from "../engine";
import type { Metric } from "./metric";

const AT = "2025-01-01T00:00:00.000Z";
const CLAIM: Waiting["claim"] = {
  ticket: "que-local-1",
  experienceId: "arena",
  version: undefined,
  mods: [],
  matchId: null,
  order: 1,
  sinceMs: 1,
  deadlineMs: 2,
  party: [],
  members: [{ sessionId: "ses-local-1", playerId: "ann", latencies: {} }],
};

type Stub<T extends CommandType> = (command: CommandOf<T>, actor: Actor) => Promise<ResultOf<T>> | ResultOf<T>;
type Stubs = { [T in CommandType]?: Stub<T> };

export function serverSample(over: Partial<Server> = {}): Server {
  return {
    id: "srv-local-1",
    allocationId: "alloc-1",
    experienceId: "arena",
    version: "1.0.0",
    clients: null,
    mods: [],
    role: "server",
    region: "local",
    nodeId: "node-1",
    state: "ready",
    address: "127.0.0.1",
    ports: { game: 20001 },
    maxPlayers: 16,
    players: 0,
    matchId: null,
    labels: {},
    annotations: {},
    counters: {},
    lists: {},
    tracked: null,
    stats: { cpu: 0.1, memoryBytes: 1_000_000 },
    createdAt: AT,
    readyAt: AT,
    endedAt: null,
    reason: "ready for players",
    ...over,
  };
}

export function sessionSample(over: Partial<Session> = {}): Session {
  return {
    id: "ses-local-1",
    playerId: "ann",
    experienceId: "arena",
    serverId: "srv-local-1",
    region: "local",
    state: "reserved",
    generation: 1,
    party: [],
    connectedAt: AT,
    lastActivity: AT,
    latencyMs: null,
    packetLoss: null,
    moves: 0,
    restoredAgeMs: null,
    reason: "placed",
    ...over,
  };
}

export function placementSample(over: Partial<Session> = {}): Placement {
  return {
    session: sessionSample(over),
    server: { id: "srv-local-1", address: "127.0.0.1", ports: { game: 20001 } },
    ticket: "ticket-1",
  };
}

/** The ticket of `sessionSample`, sealed as the agent of its server does. */
export function ticketSample(ticketSecret: string, over: Partial<TicketClaims> = {}): string {
  const claims = {
    sessionId: "ses-local-1",
    playerId: "ann",
    serverId: "srv-local-1",
    allocationId: "alloc-1",
    generation: 1,
    expiresAtMs: 1,
    ...over,
  };
  return sealTicket(serverTicketKey(ticketSecret, claims.serverId, claims.allocationId), claims);
}

export function queuedSample(over: Partial<Waiting> = {}): Waiting {
  return {
    queueTicket: "que-local-1",
    position: 1,
    estimatedWaitMs: null,
    claim: CLAIM,
    sessionId: "ses-local-1",
    deadlineAt: AT,
    reason: "all servers are full",
    ...over,
  };
}

/** A refusal of the core. */
export function refused(problem: CoreProblem): { readonly ok: false; readonly problem: CoreProblem } {
  return { ok: false, problem };
}

/**
 * Test double of the controller behind the API: it keeps nothing and decides nothing. It answers every command at once
 * with a sample, unless a test says otherwise with `when`, and remembers what it was asked.
 */
export class BackendDouble implements ApiBackend {
  readonly ping = { http: "http://127.0.0.1:7400/", udp: "127.0.0.1:7400" };
  readonly region: string;
  readonly controllerId: string;
  readonly events = new EventLog({ epoch: 1, capacity: 100 });
  readonly asked: { readonly command: CommandOf<CommandType>; readonly actor: Actor }[] = [];
  readonly asks: RegionWish[] = [];
  state: BackendStatus = { leader: true, epoch: 1, ready: true, detail: "leading" };
  others: { name: string; url: string | undefined; location: readonly [number, number] | undefined }[] = [];
  /** Best first. */
  preference: string[];
  lines: readonly string[] = ["one", "two"];
  taskNames: readonly string[] | undefined = ["server", "physics"];
  readonly #stubs: Stubs = {};
  readonly #onLeader = new Set<() => void>();
  readonly #remember: boolean;
  readonly #samples: { readonly [T in CommandType]: CommandValues[T] };

  constructor(region = "local", { remember = true } = {}) {
    this.region = region;
    this.controllerId = `${region}-0`;
    this.preference = [region];
    this.#remember = remember;
    this.#samples = this.#makeSamples(region);
  }

  when<T extends CommandType>(type: T, stub: Stub<T>): this {
    Object.assign(this.#stubs, { [type]: stub });
    return this;
  }

  regions(): ReturnType<ApiBackend["regions"]> {
    return [{ name: this.region, url: undefined, location: undefined }, ...this.others];
  }

  status(): BackendStatus {
    return this.state;
  }

  onLeader(listener: () => void): () => void {
    this.#onLeader.add(listener);
    return () => this.#onLeader.delete(listener);
  }

  /** Another leads, or this one, as the state says. */
  changeLeader(state: BackendStatus): void {
    this.state = state;
    for (const listener of this.#onLeader) listener();
  }

  async command<T extends CommandType>(command: CommandOf<T>, actor: Actor): Promise<ResultOf<T>> {
    if (this.#remember) this.asked.push({ command, actor });
    const stub = this.#stubs[command.type];
    if (stub) return stub(command, actor);
    return { ok: true, value: this.#samples[command.type] };
  }

  chooseRegion(wish: RegionWish): RegionChoice {
    if (this.#remember) this.asks.push(wish);
    const region = this.preference.find((name) => !wish.exclude?.includes(name)) ?? this.region;
    return { region, reasons: ["the double's preference"] };
  }

  tasks(): Promise<readonly string[] | undefined> {
    return Promise.resolve(this.taskNames);
  }

  async *logs(
    _serverId: string,
    { follow, signal }: LogOptions & { readonly signal: AbortSignal },
  ): AsyncGenerator<string> {
    for (const line of this.lines) yield line;
    if (!follow) return;
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  }

  metrics(): readonly Metric[] {
    const series = [{ labels: { region: this.region, state: "ready" }, value: 3 }];
    return [{ name: "forge_servers", help: "Servers", type: "gauge", series }];
  }

  #makeSamples(region: string): { readonly [T in CommandType]: CommandValues[T] } {
    const server = serverSample({ region, id: `srv-${region}-1` });
    const session = sessionSample({ region, id: `ses-${region}-1`, serverId: server.id });
    const placement: Placement = { ...placementSample(), session };
    const queued = queuedSample({ queueTicket: `que-${region}-1`, sessionId: session.id });
    const { claim: _sealed, ...entry } = queued;
    const status: Omit<Region, "url" | "ping" | "leader"> = {
      name: region,
      state: "up",
      location: null,
      nodes: [{ id: "node-1", state: "connected", address: "127.0.0.1", servers: 1 }],
      servers: 1,
      players: 0,
      queued: 0,
      seats: { total: 16, held: 0, free: 16 },
      cpu: 0.1,
      epoch: 1,
      drain: null,
    };
    const policy = {
      minServers: 1,
      maxServers: 10,
      targetCpu: 0.7,
      targetPlayers: 12,
      scaleUpThreshold: 0.7,
      scaleDownThreshold: 0.35,
      scaleUpCooldownSecs: 30,
      scaleDownCooldownSecs: 300,
      buffer: 0,
      targetResponseMs: null,
      defragment: "off" as const,
      defragmentIntervalSecs: 60,
      chain: [],
    };
    const states = {
      starting: 0,
      ready: 1,
      reserved: 0,
      allocated: 0,
      draining: 0,
      suspect: 0,
      unhealthy: 0,
      terminated: 0,
    };
    const fleet = {
      experienceId: "arena",
      region,
      version: "1.0.0",
      kind: "match" as const,
      servers: states,
      desired: 1,
      seats: status.seats,
      queued: 0,
      policy,
      rollout: null,
    };
    return {
      spawnServer: server,
      listServers: [server],
      getServer: server,
      labelServer: server,
      terminateServer: { ...server, state: "draining" },
      createSession: placement,
      routePlayers: [placement],
      getSession: session,
      findSessions: [session],
      followSession: { session, server: placement.server, ticket: placement.ticket },
      updateSession: session,
      endSession: { ...session, state: "ended" },
      listQueue: [{ ...entry, region, playerId: "ann", experienceId: "arena", party: [], since: AT }],
      waitQueue: placement,
      leaveQueue: queued,
      allocateMatch: { server, connection: "127.0.0.1:20001", matchId: "match-1", tickets: { ann: "ticket-1" } },
      allocateServer: { ...server, state: "allocated" },
      listFleets: [fleet],
      getFleet: fleet,
      putFleet: fleet,
      getRegion: { region: status, summary: { region, state: "up", location: null, experiences: {} } },
      tellUnheard: [],
      drainRegion: { ...status, state: "draining" },
      takeIn: [placement],
      getDecision: {
        id: `dec-${region}-1`,
        at: AT,
        kind: "route",
        subject: session.id,
        outcome: server.id,
        reasons: ["least loaded"],
        considered: [],
      },
    };
  }
}
