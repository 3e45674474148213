import { type ApiCall, ApiConnection, query, type Fetch } from "../api-connection";
import { ForgeUnreachableError } from "../errors";
import { Listeners } from "../listeners";
import type {
  Fleet,
  FleetPolicy,
  ForgeEvent,
  MatchAllocation,
  MatchAsk,
  Placement,
  Queued,
  Region,
  Server,
  ServerSpec,
  Session,
  SessionAsk,
} from "../resources";
import type { RetryPolicy } from "../retry";
import { realTiming, type Timing } from "../timing";
import type { TokenSource } from "../token-source";
import { EventFeed } from "./event-feed";
import { eventName, type ControllerEvents } from "./events";

export interface ForgeControllerOptions {
  /** A controller, e.g. `http://127.0.0.1:7700`. Each forwards what is another region's. */
  readonly url: string;
  /**
   * A token with the role `operator` or `allocator`; `viewer` to look and listen only. A token lives an hour at most:
   * a service that runs longer gives a function, e.g. `() => readFile(TOKEN_FILE, "utf8")`, asked for each attempt.
   */
  readonly token: TokenSource;
  /** More controllers, by region: asked when the first does not answer, and each listened to for its own events. */
  readonly regions?: Readonly<Record<string, string>>;
  /** How long calls are tried again while a controller is away or overloaded, in milliseconds; 15,000. */
  readonly retryForMs?: number;
  readonly fetch?: Fetch;
  readonly timing?: Timing;
}

const CALLS: RetryPolicy = { forMs: 15_000, firstMs: 200, maxMs: 3_000 };
/** A spawn that is waited for takes as long as the server takes to get ready. */
const SPAWN_SECS = 120;
const PAGE = 1_000;

/**
 * Forge for matchmakers and backends: servers, players, matches and what happens to them.
 *
 *     const forge = new ForgeController({ url, token });
 *     forge.on("playerConnected", ({ playerId, serverId }) => …);
 *     const server = await forge.spawnServer({ experienceId: "arena", region: "us-east" }, { waitReady: true });
 *     const { ticket } = await forge.routePlayer("ann", server.id);
 *
 * Every call throws `ForgeApiError` for a no and `ForgeUnreachableError` where nobody answered in time.
 */
export class ForgeController {
  private readonly api: ApiConnection;
  private readonly timing: Timing;
  private readonly fetch: Fetch;
  private readonly listeners = new Listeners<ControllerEvents>();
  private feeds: readonly EventFeed[] | undefined;

  constructor(private readonly options: ForgeControllerOptions) {
    this.timing = options.timing ?? realTiming;
    this.fetch = options.fetch ?? ((...args) => globalThis.fetch(...args));
    const urls = [options.url, ...Object.values(options.regions ?? {})];
    const policy = { ...CALLS, forMs: options.retryForMs ?? CALLS.forMs };
    this.api = new ApiConnection(urls, options.token, this.timing, policy, this.fetch);
  }

  /**
   * Starts a server. With `waitReady` answers when players can join, else when it is on its way.
   * @throws {ForgeApiError} e.g. `noCapacity` where there may be no server more; with `waitReady` `startFailed`
   */
  async spawnServer(spec: ServerSpec, options: { readonly waitReady?: boolean } = {}): Promise<Server> {
    const wait = options.waitReady ? { path: "/v1/servers?wait=ready", waitSecs: SPAWN_SECS } : { path: "/v1/servers" };
    return this.call<Server>({ method: "POST", body: spec, ...wait });
  }

  /**
   * Ends a server: after its players left, at the latest after `drainSecs`, when those still there are moved; 0, the
   * default, moves them at once. `force` stops it with players on it.
   * @throws {ForgeApiError} e.g. `unknownServer`, `alreadyTerminated`
   */
  async terminateServer(
    serverId: string,
    options: { readonly drainSecs?: number; readonly force?: boolean; readonly reason?: string } = {},
  ): Promise<Server> {
    const search = query({ drain: options.drainSecs, force: options.force, reason: options.reason });
    return this.call<Server>({ method: "DELETE", path: `/v1/servers/${encodeURIComponent(serverId)}${search}` });
  }

  /**
   * Puts a player on this very server; its ticket lets the player in.
   * @throws {ForgeApiError} e.g. `unknownServer`, `serverFull`, `serverClosed`, `serverNotReady`, `playerElsewhere`
   */
  async routePlayer(playerId: string, serverId: string): Promise<Placement> {
    const [placement] = await this.routePlayers([playerId], serverId);
    if (placement === undefined) throw new TypeError("the answer holds no placement");
    return placement;
  }

  /**
   * Puts these players on this very server, all or none; with `clientVersion` only where it takes such clients.
   * @throws {ForgeApiError} as `routePlayer`, and `clientUnsupported`
   */
  async routePlayers(
    playerIds: readonly string[],
    serverId: string,
    options: { readonly clientVersion?: string } = {},
  ): Promise<readonly Placement[]> {
    const path = `/v1/servers/${encodeURIComponent(serverId)}/sessions`;
    const { items } = await this.call<{ items: readonly Placement[] }>({
      method: "POST",
      path,
      body: { players: playerIds, ...options },
    });
    return items;
  }

  /** All servers, or those of one region, experience or state. */
  async getServers(
    region?: string,
    filter: { readonly experienceId?: string; readonly state?: Server["state"] } = {},
  ): Promise<readonly Server[]> {
    return this.all<Server>("/v1/servers", { region, ...filter });
  }

  /** @throws {ForgeApiError} `unknownServer` also of one that ended and was forgotten since */
  async getServer(serverId: string): Promise<Server> {
    return this.call<Server>({ method: "GET", path: `/v1/servers/${encodeURIComponent(serverId)}` });
  }

  /**
   * The sessions on a server.
   * @throws {ForgeApiError} `unknownServer`
   */
  async getSessions(serverId: string): Promise<readonly Session[]> {
    return this.all<Session>(`/v1/servers/${encodeURIComponent(serverId)}/sessions`, {});
  }

  /** @throws {ForgeApiError} `unknownSession` also of one that ended and was forgotten since */
  async getSession(sessionId: string): Promise<Session> {
    const path = `/v1/sessions/${encodeURIComponent(sessionId)}`;
    const body = await this.call<Session | { session: Session }>({ method: "GET", path });
    return "session" in body ? body.session : body;
  }

  /**
   * Finds the best place for a player, or puts the player in the queue.
   * @throws {ForgeApiError} e.g. `unknownExperience`, `clientUnsupported`, `partyTooLarge`, `queueFull`; with `deadlineMs` 0
   *   `noCapacity` instead of a queue
   */
  async createSession(ask: SessionAsk): Promise<Placement | Queued> {
    return this.call<Placement | Queued>({ method: "POST", path: "/v1/sessions", body: ask });
  }

  /**
   * Where a queued player stands; waits up to `waitSecs` (at most 60) for a place.
   * @throws {ForgeApiError} e.g. `deadlineExceeded` once its time is over, `conflict` once its session has ended, `unknownQueueTicket`
   */
  async waitQueue(queueTicket: string, waitSecs = 25): Promise<Placement | Queued> {
    const path = `/v1/queue/${encodeURIComponent(queueTicket)}?wait=${waitSecs}`;
    return this.call<Placement | Queued>({ method: "GET", path, waitSecs });
  }

  /**
   * Ends a player's session; the server is told.
   * @throws {ForgeApiError} `unknownSession`
   */
  async endSession(sessionId: string, reason?: string): Promise<Session> {
    const path = `/v1/sessions/${encodeURIComponent(sessionId)}${query({ reason })}`;
    return this.call<Session>({ method: "DELETE", path });
  }

  /**
   * Places a whole match on a server of its own. The same `matchId` again answers with the same server.
   * @throws {ForgeApiError} e.g. `noCapacity`, `partyTooLarge`, `conflict` where that match has ended; with `deadlineMs` `deadlineExceeded`
   */
  async allocate(ask: MatchAsk): Promise<MatchAllocation> {
    const waitSecs = Math.ceil((ask.deadlineMs ?? 0) / 1000);
    return this.call<MatchAllocation>({ method: "POST", path: "/v1/allocations", body: ask, waitSecs });
  }

  /** All regions of the run, with what is known of each. */
  async getRegions(): Promise<readonly Region[]> {
    return (await this.call<{ items: readonly Region[] }>({ method: "GET", path: "/v1/regions" })).items;
  }

  /**
   * A fleet of the region; of the one that answers where none is named.
   * @throws {ForgeApiError} `unknownExperience`, `unknownRegion`
   */
  async getFleet(experienceId: string, region?: string): Promise<Fleet> {
    return this.call<Fleet>({
      method: "GET",
      path: `/v1/fleets/${encodeURIComponent(experienceId)}${query({ region })}`,
    });
  }

  /**
   * Sets size, version or policy of a fleet; what is not given stays as it is.
   * @throws {ForgeApiError} e.g. `unknownExperience`, `invalid` for what its rollout or policy cannot be
   */
  async putFleet(
    experienceId: string,
    change: {
      readonly version?: string;
      /** This share of the fleet, above 0 and below 1, runs the version first. */
      readonly canary?: number;
      /** What becomes of the version that is being taken in. */
      readonly rollout?: "promote" | "pause" | "resume" | "rollback";
      readonly desired?: number;
      /** `cooldownSecs` sets both cooldowns, where one is not given. */
      readonly policy?: Partial<FleetPolicy> & { readonly cooldownSecs?: number };
    },
    region?: string,
  ): Promise<Fleet> {
    const path = `/v1/fleets/${encodeURIComponent(experienceId)}${query({ region })}`;
    return this.call<Fleet>({ method: "PUT", path, body: change });
  }

  /** Calls `listener` for each event; the first listener opens the streams. Returns what ends that. */
  on<Name extends keyof ControllerEvents>(name: Name, listener: (event: ControllerEvents[Name]) => void): () => void {
    const off = this.listeners.on(name, listener);
    this.feeds ??= this.openFeeds();
    return off;
  }

  /** Ends the event streams; calls go on working. Without this they keep the process alive. */
  close(): void {
    for (const feed of this.feeds ?? []) feed.close();
    this.feeds = undefined;
  }

  /** One stream for all regions through the one controller we know, or one to each we were told of. */
  private openFeeds(): readonly EventFeed[] {
    const regions = Object.entries(this.options.regions ?? {});
    const streams = regions.length > 0 ? regions : [["*", this.options.url] as const];
    return streams.map(([region, base]) => {
      const feed = new EventFeed({
        url: `${base.replace(/\/+$/, "")}/v1/events${region === "*" ? "?region=*" : ""}`,
        token: this.options.token,
        fetch: this.fetch,
        timing: this.timing,
        onEvent: ({ event, data }) => this.tell(region, event, data),
        onOpen: () => this.listeners.emit("connected", { region }),
        onBroken: (error) => this.listeners.emit("disconnected", { region, error }),
      });
      feed.start();
      return feed;
    });
  }

  private tell(from: string, event: string, data: string): void {
    let body: unknown;
    try {
      body = JSON.parse(data);
    } catch {
      return;
    }
    if (typeof body !== "object" || body === null) return;
    const { type, reason = "no reason given", region = from } = body as Record<string, string | undefined>;
    if (event === "reset") this.listeners.emit("reset", { region, reason });
    if (event === "missing") {
      // The controller that tells us of all regions cannot reach this one, and goes on trying.
      this.listeners.emit("disconnected", { region, error: new ForgeUnreachableError(`events of ${region}`, reason) });
    }
    if (type === undefined) return;
    this.listeners.emit("event", body as ForgeEvent);
    const name = eventName(type);
    if (name !== undefined) this.listeners.emit(name, body as never);
  }

  private async call<T>(call: ApiCall): Promise<T> {
    return (await this.api.call(call)).body as T;
  }

  private async all<T>(path: string, filter: Readonly<Record<string, string | undefined>>): Promise<readonly T[]> {
    const items: T[] = [];
    let after: string | undefined;
    do {
      const search = query({ ...filter, limit: PAGE, after });
      const page = await this.call<{ items: readonly T[]; next: string | null }>({
        method: "GET",
        path: path + search,
      });
      items.push(...page.items);
      after = page.next ?? undefined;
    } while (after !== undefined);
    return items;
  }
}
