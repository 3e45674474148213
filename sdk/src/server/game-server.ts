import { ForgeApiError, ForgeUsageError } from "../errors";
import { Listeners } from "../listeners";
import type { RetryPolicy } from "../retry";
import { realTiming, type Timing } from "../timing";
import { Admissions, type Admission } from "./admissions";
import { gateAddress, roleKey, rolePeers, type Environment } from "./environment";
import { GateConnection } from "./gate-connection";
import { gameServerInfo, readNotice, type GameServerEvents, type GameServerInfo, type Notice } from "./notices";
import { batchesOf, checkSnapshot, collect, type Savers, type Snapshot } from "./snapshots";
import { checkTicket, type TicketCheck } from "./ticket";
import { Watch } from "./watch";

export interface ConnectOptions {
  /** Where `FORGE_*` variables are read from; `process.env`. */
  readonly env?: Environment;
  /** Milliseconds between heartbeats, 2000, by a beat that is each server's own; `false` where the program calls `health` itself. */
  readonly heartbeatMs?: number | false;
  /** A heartbeat is left out while this says false, so that the server counts as hung. */
  readonly isHealthy?: () => boolean;
  /** How long to wait for the gate to listen, in milliseconds; 30,000. */
  readonly connectForMs?: number;
  /** How long each call but `health` and `stats` is tried again while gate or agent is away, in milliseconds; 60,000. */
  readonly retryForMs?: number;
  readonly timing?: Timing;
}

/** A player who sits on this server. */
export interface SeatedPlayer {
  readonly playerId: string;
  readonly sessionId: string;
  readonly generation: number;
  readonly joinedAt: string;
}

const CALLS: RetryPolicy = { forMs: 60_000, firstMs: 100, maxMs: 3_000 };
/** For what the next one soon says better: a heartbeat, numbers, a state every few seconds. */
const ONCE_MS = 1_000;

/**
 * A game server's side of Forge.
 *
 *     const forge = await GameServer.connect();
 *     await forge.ready();
 *     const admission = await forge.playerJoined(ticket);
 *     forge.saveEvery({ player: (id) => JSON.stringify(scores.get(id)) });
 *     forge.on("moved", ({ playerIds }) => …);
 */
export class GameServer {
  private readonly listeners = new Listeners<GameServerEvents>();
  private readonly admissions: Admissions;
  private readonly peerAddresses: Map<string, readonly string[]>;
  /** Told once and for all: a listener that comes later must hear of it too. */
  private readonly told: Partial<Pick<GameServerEvents, "draining" | "stopping">> = {};
  private savers: Savers | undefined;
  private current: GameServerInfo;

  private constructor(
    private readonly gate: GateConnection,
    private readonly timing: Timing,
    private readonly retryForMs: number,
    env: Environment,
    info: GameServerInfo,
  ) {
    this.current = info;
    this.peerAddresses = rolePeers(env);
    this.admissions = new Admissions(gate);
  }

  /**
   * Connects to the gate, waiting until it listens; opens the watch stream and starts the heartbeat.
   * @throws {ForgeUsageError} where the environment is not Forge's
   * @throws {ForgeUnreachableError} where nothing answered in time
   * @throws {ForgeApiError} where the token is refused
   */
  static async connect(options: ConnectOptions = {}): Promise<GameServer> {
    const env = options.env ?? process.env;
    const timing = options.timing ?? realTiming;
    const { url, token } = gateAddress(env);
    const retryForMs = options.retryForMs ?? CALLS.forMs;
    const gate = new GateConnection(url, token, timing, { ...CALLS, forMs: retryForMs });
    try {
      const info = await gate.call({
        method: "GET",
        path: "/v1/gameserver",
        retryForMs: options.connectForMs ?? 30_000,
      });
      const server = new GameServer(gate, timing, retryForMs, env, gameServerInfo(info));
      await server.watch();
      if (options.heartbeatMs !== false)
        void server.beat(options.heartbeatMs ?? 2_000, options.isHealthy ?? (() => true));
      return server;
    } catch (error) {
      gate.close();
      throw error;
    }
  }

  /** What Forge knows of this server, as last told. */
  get info(): GameServerInfo {
    return this.current;
  }

  /** Calls `listener` for each event; a `draining` or `stopping` that was already told is told again. Returns what ends that. */
  on<Name extends keyof GameServerEvents>(name: Name, listener: (value: GameServerEvents[Name]) => void): () => void {
    const off = this.listeners.on(name, listener);
    const missed = (this.told as Partial<GameServerEvents>)[name];
    if (missed !== undefined) queueMicrotask(() => listener(missed));
    return off;
  }

  /** Players may come. Of a match server: the match is over and the next may come. */
  async ready(): Promise<void> {
    await this.gate.call({ method: "POST", path: "/v1/ready" });
  }

  /** One heartbeat; only for programs that switched the automatic one off. */
  async health(): Promise<void> {
    await this.gate.call({ method: "POST", path: "/v1/health", retryForMs: ONCE_MS });
  }

  /** Keeps this server out of scaling and placing for so many seconds; 0: until `ready`. */
  async reserve(seconds: number): Promise<void> {
    await this.gate.call({ method: "POST", path: "/v1/reserve", body: { seconds } });
  }

  /** Asks Forge to stop this server. It ends by the usual way: `stopping`, then the stop signal. */
  async shutdown(): Promise<void> {
    await this.gate.call({ method: "POST", path: "/v1/shutdown" });
  }

  /**
   * Admits a player by the ticket that the client gave. A refusal is an answer, not an error, also of what is no text.
   * @param options.rejoin the same player comes back over a new connection, without `playerLeft` in between
   * @throws {ForgeUnreachableError} where neither yes nor no came in time: the player is not admitted
   */
  async playerJoined(ticket: unknown, options: { readonly rejoin?: boolean } = {}): Promise<Admission> {
    return this.admissions.join(ticket, options.rejoin ?? false);
  }

  /** The player is gone and the seat free. */
  async playerLeft(playerId: string): Promise<void> {
    await this.admissions.leave(playerId);
  }

  /** Who sits here, as the agent counts it. */
  async players(): Promise<readonly SeatedPlayer[]> {
    const answer = await this.gate.call({ method: "GET", path: "/v1/players" });
    return (answer["players"] ?? []) as readonly SeatedPlayer[];
  }

  /** Checks a ticket offline: a first filter for floods of bad ones, never an admission. */
  checkTicket(ticket: unknown): TicketCheck {
    const { serverId, allocationId, ticketKey, ticketKeys = [ticketKey] } = this.current;
    const checks = ticketKeys.map((key) => checkTicket(key, ticket, this.timing.now()));
    const check =
      checks.find(({ ok }) => ok) ??
      checks.find((each) => !each.ok && each.problem !== "signature") ??
      checkTicket(ticketKey, ticket, this.timing.now());
    if (check.ok && (check.claims.serverId !== serverId || check.claims.allocationId !== allocationId)) {
      return { ok: false, problem: "foreign" };
    }
    return check;
  }

  /**
   * Saves these states, in as many calls as they take: where one fails, those before it are kept.
   * @throws {ForgeUsageError} snapshotTooLarge: over 4 KiB for a player or 256 KiB for the server; nothing is sent then
   */
  async snapshot(snapshot: Snapshot): Promise<void> {
    checkSnapshot(snapshot);
    const takenAt = this.takenAt();
    for (const batch of batchesOf(snapshot.server, Object.entries(snapshot.players ?? {}))) {
      await this.gate.call({ method: "POST", path: "/v1/snapshot", body: { ...batch, takenAt } });
    }
  }

  /**
   * Saves now and then once every `everyMs` (5000) what the savers give. States over the limits, and those of a saver that
   * throws, are told as `problem`; the others are saved. So is a save that nobody answered: the next one is newer.
   * Returns what ends it.
   */
  saveEvery(savers: Savers, everyMs = 5_000): () => void {
    const ended = new AbortController();
    this.savers = savers;
    void this.repeat(everyMs, AbortSignal.any([ended.signal, this.gate.closed]), async () => {
      await this.save(ONCE_MS);
    });
    return () => {
      ended.abort();
      this.savers = undefined;
    };
  }

  /**
   * Saves at once what the savers of `saveEvery` give, for instance when told of `draining` or `stopping`, and tries as
   * long as other calls do: it may be the last save. Never rejects; what is not saved is told as `problem`, and where
   * nobody listens to that as a warning of the process.
   * @returns whether all of it is saved
   */
  async saveNow(): Promise<boolean> {
    try {
      return await this.save(this.retryForMs);
    } catch (error) {
      this.report(error as Error, { lost: true });
      return false;
    }
  }

  /** @throws where the gate or the agent is away: the calls that are left would only wait for them too */
  private async save(retryForMs: number): Promise<boolean> {
    if (this.savers === undefined) return true;
    const { batches, problems } = collect(this.savers, this.admissions.playerIds());
    for (const problem of problems) this.report(problem);
    let all = problems.length === 0;
    const takenAt = this.takenAt();
    for (const batch of batches) {
      try {
        await this.gate.call({ method: "POST", path: "/v1/snapshot", body: { ...batch, takenAt }, retryForMs });
      } catch (error) {
        if (!(error instanceof ForgeApiError) || error.passing) throw error;
        this.report(error);
        all = false;
      }
    }
    return all;
  }

  /** Now: a state may wait on its way, and its age is told to whoever gets it. */
  private takenAt(): string {
    return new Date(this.timing.now()).toISOString();
  }

  /** Numbers for scaling: p95 of the server's own answers in milliseconds, errors a second. */
  async stats(stats: {
    readonly responseMs?: number;
    readonly errorRate?: number;
    readonly players?: number;
  }): Promise<void> {
    await this.gate.call({ method: "POST", path: "/v1/stats", body: stats, retryForMs: ONCE_MS });
  }

  /**
   * Sets labels, which matchmakers select by; null takes one off. At most 64, each of at most 256 characters; a key is 1 to 63
   * letters, digits, `.`, `_`, `/` and `-`, a letter or digit first and last.
   * @throws {ForgeApiError} `malformed` where one is not so; none of them counts then
   */
  async setLabels(labels: Readonly<Record<string, string | null>>): Promise<void> {
    await this.gate.call({ method: "PUT", path: "/v1/labels", body: labels });
  }

  /** The same for what nobody selects by, each of at most 4096 characters. */
  async setAnnotations(annotations: Readonly<Record<string, string | null>>): Promise<void> {
    await this.gate.call({ method: "PUT", path: "/v1/annotations", body: annotations });
  }

  /** `host:port` of each server of a fleet role, as known now. */
  peers(role: string): readonly string[] {
    return this.peerAddresses.get(roleKey(role)) ?? [];
  }

  /** Ends heartbeat, snapshots and the watch stream. To Forge that is the server's end: call it on the way out. */
  close(): void {
    this.gate.close();
  }

  private async watch(): Promise<void> {
    const onEvent = (event: Parameters<typeof readNotice>[0]): void => {
      const notice = readNotice(event);
      if (notice) this.hear(notice);
    };
    await new Watch(this.gate, this.timing, onEvent, (error) => this.report(error)).start();
  }

  private hear(notice: Notice): void {
    if (notice.name === "gameserver") this.current = notice.value;
    if (notice.name === "peers") this.peerAddresses.set(notice.value.role, notice.value.addresses);
    if (notice.name === "draining") this.told.draining = notice.value;
    if (notice.name === "stopping") this.told.stopping = notice.value;
    if (notice.name === "moved") for (const playerId of notice.value.playerIds) this.admissions.forget(playerId);
    this.listeners.emit(notice.name, notice.value);
  }

  private async beat(everyMs: number, isHealthy: () => boolean): Promise<void> {
    await this.repeat(everyMs, this.gate.closed, async () => {
      if (isHealthy()) await this.health();
    });
  }

  /**
   * Runs `work` now and then once every `everyMs` at a moment of its own, whatever becomes of it, until the signal aborts.
   * Were it by when the work ended, what one late moment of a node brought together would come together from then on.
   */
  private async repeat(everyMs: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    const beat = this.timing.now() + this.timing.random() * everyMs;
    while (!signal.aborted) {
      await work().catch((error: unknown) => {
        if (!signal.aborted) this.report(error as Error);
      });
      await this.timing.sleep(untilNext(beat, everyMs, this.timing.now()), signal).catch(() => undefined);
    }
  }

  /**
   * An error of the background must neither be lost nor end the server.
   * @param options.lost nothing makes up for what failed, also where it is of the kind that passes
   */
  private report(error: Error, options: { readonly lost?: boolean } = {}): void {
    if (this.listeners.emit("problem", error) > 0) return;
    const passes = error instanceof ForgeApiError ? error.passing : !(error instanceof ForgeUsageError);
    if (options.lost || !passes) process.emitWarning(error.message, error.name);
  }
}

/** Milliseconds to the next of the moments `beat` ± n × `everyMs`; one that is as good as now is left out, since timers may be early. */
function untilNext(beat: number, everyMs: number, now: number): number {
  const since = (((now - beat) % everyMs) + everyMs) % everyMs;
  const left = everyMs - since;
  return left < everyMs / 20 ? left + everyMs : left;
}
