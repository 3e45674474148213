import type { AllocateOrder } from "../../../protocol/allocation";
import { changed, meets, type CountTable } from "../../../protocol/count-rules";
import type {
  Ack,
  AgentAbility,
  AgentEvent,
  GrantedSeat,
  Hello,
  NackCode,
  RegionDrain,
  Request,
  RequestBody,
  SavedState,
  SeatRequest,
  Snapshot,
} from "../../../protocol/messages";
import { newDoubleServer, reportOf, type DoubleSeat, type DoubleServer } from "./server-double";
import { PROTOCOL_VERSION } from "../../../protocol/versions";

type Nack = { readonly code: NackCode; readonly detail: string };
type Outcome = { readonly seats?: readonly GrantedSeat[]; readonly counts?: CountTable } | Nack;
/** Plain `Omit` over the union would lose its cases. */
type Untimed<T> = T extends unknown ? Omit<T, "atMs" | "serverId" | "allocationId"> : never;

/**
 * TEST DOUBLE of a node's agent: owns seats as the real one does (atomic grants, leases, generations, closed for good)
 * but keeps them in memory, where they survive its restarts as the journal's would. Time comes with each call.
 */
export class AgentDouble {
  epoch = 0;
  drain: RegionDrain | undefined;
  diskFull = false;
  /** Other nodes' servers that cannot be reached from this one. */
  readonly outOfReach = new Set<string>();
  readonly servers = new Map<string, DoubleServer>();
  readonly saved: SavedState[] = [];
  /** Events not yet sent; cut connections lose them, as the next snapshot tells the same. */
  readonly events: AgentEvent[] = [];
  /** Notices that the servers were given, for tests that look at them. */
  readonly notices: Extract<RequestBody, { kind: "notice" }>[] = [];
  /** The newest protocol that it speaks. */
  newest = PROTOCOL_VERSION;
  can: readonly AgentAbility[] = ["reach", "openDraining"];
  private boots = 0;

  constructor(
    readonly nodeId: string,
    readonly region: string,
  ) {}

  hello(): Hello {
    this.boots++;
    return {
      type: "hello",
      protocol: { oldest: 1, newest: this.newest },
      nodeId: this.nodeId,
      region: this.region,
      bootId: `${this.nodeId}-${String(this.boots)}`,
      agentVersion: "double",
      epoch: this.epoch,
      node: { address: "10.0.0.1", cpu: 4000, memory: 8192, limits: { cpu: false, memory: false, detail: "a double" } },
      can: this.can,
    };
  }

  snapshot(): Snapshot {
    return {
      type: "snapshot",
      epoch: this.epoch,
      servers: [...this.servers.values()].map((server) => reportOf(server)),
      saved: [...this.saved],
      drain: this.drain,
    };
  }

  /** Does what the leader asks, or says why not. */
  request({ id, epoch, body }: Request, nowMs: number): Ack {
    if (epoch < this.epoch)
      return { type: "ack", id, ok: false, epoch: this.epoch, code: "staleEpoch", detail: `${String(epoch)} is over` };
    this.epoch = epoch;
    if (this.diskFull && body.kind === "release")
      return { type: "ack", id, ok: false, epoch, code: "journal", detail: "no space left" };
    const outcome = this.carryOut(body, nowMs);
    if ("code" in outcome) return { type: "ack", id, ok: false, epoch, code: outcome.code, detail: outcome.detail };
    return { type: "ack", id, ok: true, epoch, ...outcome };
  }

  /** A request of another controller was carried out: this one hears of what that was given. */
  tellGiven({ epoch, body }: Pick<Request, "epoch" | "body">, nowMs: number): void {
    if (body.kind !== "grant" && body.kind !== "claim") return;
    const server = this.servers.get(body.serverId);
    if (!server) return;
    const given = new Set(body.seats.map(({ sessionId }) => sessionId));
    const seats = reportOf(server).seats.filter(({ sessionId }) => given.has(sessionId));
    this.tell(server, { kind: "granted", epoch, seats, matchId: server.claim }, nowMs);
  }

  /** The server allocates itself; nobody takes it then until it is ready again. */
  allocateItself(serverId: string, nowMs: number): void {
    const server = this.servers.get(serverId);
    if (!server || server.gone) return;
    server.selfAllocated = true;
    this.tell(server, { kind: "selfAllocated" }, nowMs);
  }

  /** The server says that it is ready. */
  becomeReady(serverId: string, nowMs: number): void {
    const server = this.servers.get(serverId);
    if (!server || server.ready || server.gone) return;
    server.ready = true;
    this.tell(server, { kind: "ready" }, nowMs);
  }

  /** A player shows a ticket. True where the server lets them on. */
  join(serverId: string, sessionId: string, generation: number, nowMs: number): boolean {
    const server = this.servers.get(serverId);
    const seat = server?.seats.get(sessionId);
    if (!server || !seat || seat.generation !== generation || server.gone || seat.joined) return false;
    seat.joined = true;
    seat.joinedAtMs = nowMs;
    seat.leaseExpiresAtMs = undefined;
    this.tell(server, { kind: "joined", sessionId, generation }, nowMs);
    return true;
  }

  leave(serverId: string, sessionId: string, nowMs: number): void {
    const server = this.servers.get(serverId);
    const seat = server?.seats.get(sessionId);
    if (!server || !seat || server.gone) return;
    this.drop(server, seat);
    this.tell(server, { kind: "left", sessionId, generation: seat.generation, reason: "left" }, nowMs);
  }

  endMatch(serverId: string, nowMs: number): void {
    const server = this.servers.get(serverId);
    if (!server?.claim || server.gone) return;
    const matchId = server.claim;
    server.claim = undefined;
    for (const seat of [...server.seats.values()]) {
      this.drop(server, seat);
      const { sessionId, generation } = seat;
      this.tell(server, { kind: "left", sessionId, generation, reason: "matchEnded" }, nowMs);
    }
    this.tell(server, { kind: "matchEnded", matchId }, nowMs);
  }

  save(serverId: string, playerId: string | undefined, data: string, nowMs: number): void {
    const server = this.servers.get(serverId);
    if (!server || server.gone) return;
    this.keep(server, { serverId, playerId, data, atMs: nowMs }, nowMs);
  }
  private keep(server: DoubleServer, state: SavedState, nowMs: number): void {
    this.saved.push(state);
    this.tell(server, { kind: "saved", state }, nowMs);
  }

  say(serverId: string, event: Untimed<AgentEvent>, nowMs: number): void {
    const server = this.servers.get(serverId);
    if (server) this.tell(server, event, nowMs);
  }

  /** It hangs, as its health checks have found. */
  hang(serverId: string, nowMs: number): void {
    const server = this.servers.get(serverId);
    if (!server?.ready || !server.healthy || server.gone) return;
    server.healthy = false;
    this.tell(server, { kind: "health", healthy: false, reason: "no heartbeat" }, nowMs);
  }

  /** It hangs no more. */
  recover(serverId: string, nowMs: number): void {
    const server = this.servers.get(serverId);
    if (!server || server.healthy || server.gone) return;
    server.healthy = true;
    this.tell(server, { kind: "health", healthy: true, reason: "2 heartbeats after a silence" }, nowMs);
  }

  /** The server's process is no more. */
  lose(serverId: string, reason: string, nowMs: number): void {
    const server = this.servers.get(serverId);
    if (!server || server.gone) return;
    server.gone = { reason, atMs: nowMs };
    this.tell(server, { kind: "gone", reason }, nowMs);
  }

  /** Leases that have ended give their seats back. */
  expireLeases(nowMs: number): void {
    for (const server of this.servers.values()) {
      if (server.gone) continue;
      for (const seat of [...server.seats.values()]) {
        if (seat.leaseExpiresAtMs === undefined || seat.leaseExpiresAtMs > nowMs) continue;
        this.drop(server, seat);
        this.tell(
          server,
          { kind: "left", sessionId: seat.sessionId, generation: seat.generation, reason: "leaseExpired" },
          nowMs,
        );
      }
    }
  }

  private drop(server: DoubleServer, { sessionId, generation }: DoubleSeat): void {
    server.seats.delete(sessionId);
    server.former.set(sessionId, Math.max(generation, server.former.get(sessionId) ?? 0));
  }

  private tell(server: DoubleServer, event: Untimed<AgentEvent>, atMs: number): void {
    const { serverId, allocationId } = server.expect;
    this.events.push({ ...event, serverId, allocationId, atMs });
  }

  private carryOut(body: RequestBody, nowMs: number): Outcome {
    if (body.kind === "epoch") {
      const { drain } = body;
      const newer = !this.drain || (drain && (drain.epoch > this.drain.epoch || drain.atMs > this.drain.atMs));
      if (drain && newer) this.drain = drain;
      return {};
    }
    if (body.kind === "expect") {
      const known = this.servers.get(body.server.serverId);
      if (known) known.expect = body.server;
      else this.servers.set(body.server.serverId, newDoubleServer(body.server));
      return {};
    }
    if (body.kind === "reach")
      return this.outOfReach.has(body.serverId) ? { code: "unreachable", detail: "refused" } : {};
    const server = this.servers.get(body.serverId);
    if (!server) return { code: "unknownServer", detail: body.serverId };
    if (server.expect.allocationId !== body.allocationId) return { code: "otherAllocation", detail: body.allocationId };
    switch (body.kind) {
      case "grant":
      case "claim":
        return this.grant(server, body, nowMs);
      case "allocate":
        return this.allocate(server, body.order, nowMs);
      case "release":
        this.release(server, body.seats, nowMs);
        return {};
      case "close":
        if (body.onlyIfEmpty && (server.seats.size > 0 || server.claim !== undefined || server.walkIns > 0))
          return { code: "notEmpty", detail: String(server.seats.size) };
        server.closed = true;
        return {};
      case "notice":
        this.notices.push(body);
        return {};
      case "labels":
        server.labels = merged(server.labels, body.labels);
        server.annotations = merged(server.annotations, body.annotations);
        this.tell(server, { kind: "labels", labels: server.labels, annotations: server.annotations }, nowMs);
        return {};
      case "ended":
        server.gone ??= { reason: body.reason, atMs: nowMs };
        return {};
      case "forget":
        this.servers.delete(body.serverId);
        return {};
    }
  }

  private grant(server: DoubleServer, body: Extract<RequestBody, { kind: "grant" | "claim" }>, nowMs: number): Outcome {
    const matchId = body.kind === "claim" ? body.matchId : undefined;
    if (server.gone) return { code: "gone", detail: server.gone.reason };
    const fresh = body.seats.filter(
      ({ sessionId, generation }) => server.seats.get(sessionId)?.generation !== generation,
    );
    if (fresh.length > 0) {
      if (server.closed) return { code: "closed", detail: "closed" };
      if (!server.ready) return { code: "notReady", detail: "not ready" };
      if (!server.healthy) return { code: "unhealthy", detail: "no heartbeat" };
      if (body.kind === "claim" && body.ongoing && server.claim === undefined)
        return { code: "matchOver", detail: body.matchId };
      if (server.claim !== undefined && fresh.some(({ carry }) => carry.matchId !== server.claim))
        return { code: "claimed", detail: server.claim };
      if (matchId !== undefined && server.claim === undefined && server.seats.size > 0)
        return { code: "full", detail: "players are on it" };
      const older = fresh.find(
        ({ sessionId, generation }) =>
          (server.seats.get(sessionId)?.generation ?? server.former.get(sessionId) ?? 0) > generation,
      );
      if (older) return { code: "olderGeneration", detail: older.sessionId };
      const added = fresh.filter(({ sessionId }) => !server.seats.has(sessionId)).length;
      if (server.seats.size + server.walkIns + added > server.expect.maxPlayers)
        return { code: "full", detail: `${String(server.seats.size)} seats are taken` };
    }
    if (matchId !== undefined) server.claim = matchId;
    return { seats: body.seats.map((seat) => this.seal(server, seat, body.leaseMs, nowMs)) };
  }

  private allocate(server: DoubleServer, order: AllocateOrder, nowMs: number): Outcome {
    const table = { counters: server.expect.counters ?? {}, lists: server.expect.lists ?? {} };
    if (!meets(table, order.require)) return { code: "full", detail: "not as asked" };
    if (order.from === "ready") {
      const { serverId, allocationId } = server.expect;
      const taken =
        server.claim !== undefined || server.seats.size > 0 || !server.ready || server.reserved || server.selfAllocated;
      if (taken) return { code: "claimed", detail: server.claim ?? "players are on it" };
      const claim = { kind: "claim", serverId, allocationId, matchId: order.matchId, seats: [], leaseMs: 0 } as const;
      const outcome = this.grant(server, claim, nowMs);
      if ("code" in outcome) return outcome;
    } else if (server.claim === undefined && !server.selfAllocated)
      return { code: "notReady", detail: "nobody has it" };
    server.labels = merged(server.labels, order.labels);
    server.annotations = merged(server.annotations, order.annotations);
    const counts = changed(table, order.change);
    server.expect = { ...server.expect, ...counts };
    this.tell(server, { kind: "labels", labels: server.labels, annotations: server.annotations }, nowMs);
    return { counts };
  }

  private seal(server: DoubleServer, asked: SeatRequest, leaseMs: number, nowMs: number): GrantedSeat {
    const { sessionId, playerId, generation, carry, restore } = asked;
    const untilMs = nowMs + leaseMs;
    // A match server reports no joins, so nobody's seat there has a lease.
    const leaseExpiresAtMs = server.expect.seats === "match" ? undefined : untilMs;
    const known = server.seats.get(sessionId);
    if (known?.generation === generation) {
      if (!known.joined) known.leaseExpiresAtMs = leaseExpiresAtMs;
    } else {
      server.seats.set(sessionId, {
        sessionId,
        playerId,
        generation,
        joined: false,
        grantedAtMs: nowMs,
        joinedAtMs: undefined,
        leaseExpiresAtMs,
        carry,
        restore,
      });
      const { serverId } = server.expect;
      if (restore) this.keep(server, { serverId, playerId, data: restore.data, atMs: restore.savedAtMs }, nowMs);
    }
    return {
      sessionId,
      playerId,
      generation,
      ticket: `${server.expect.serverId}/${sessionId}/${String(generation)}/${String(nowMs)}`,
      leaseExpiresAtMs: leaseExpiresAtMs ?? untilMs,
    };
  }

  private release(
    server: DoubleServer,
    seats: readonly { readonly sessionId: string; readonly generation: number }[],
    nowMs: number,
  ): void {
    for (const { sessionId, generation } of seats) {
      const seat = server.seats.get(sessionId);
      if (!seat) server.former.set(sessionId, Math.max(generation, server.former.get(sessionId) ?? 0));
      if (!seat || seat.generation > generation) continue;
      this.drop(server, seat);
      if (!server.gone)
        this.tell(server, { kind: "left", sessionId, generation: seat.generation, reason: "released" }, nowMs);
    }
  }
}

function merged(
  before: Readonly<Record<string, string>>,
  change: Readonly<Record<string, string | null>>,
): Record<string, string> {
  const entries = Object.entries({ ...before, ...change });
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== null));
}
