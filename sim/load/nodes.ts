import { SeatBook } from "../../agent/seats/seat-book";
import type { Decision } from "../../controller/core/decision";
import type { EngineServer, ServerLaunch } from "../../controller/engine";
import { PROTOCOL_VERSION } from "../../protocol/versions";
import type { Ack, AgentEvent, ExpectedServer, FromAgent, GrantedSeat, Request } from "../../protocol/messages";

type Send = Extract<Decision, { type: "send" }>;
type SeatBody = Extract<Request["body"], { kind: "grant" }>;

/** A server's end at its node: the real book of its seats, kept by no journal. */
interface LoadServer {
  readonly expect: ExpectedServer;
  readonly book: SeatBook;
}

/** A node without machine, network and journal: what is left is who sits where, by the agent's own rules. */
export class LoadNode {
  private readonly servers = new Map<string, LoadServer>();
  /** Players who were let on a server beyond its seats; stays 0. */
  over = 0;

  constructor(readonly nodeId: string) {}

  hello(): Exclude<FromAgent, { type: "ping" }> {
    const limits = { cpu: false, memory: false, detail: "modelled" };
    const node = { address: "10.0.0.1", cpu: 64_000, memory: 262_144, limits };
    const protocol = { oldest: 1, newest: PROTOCOL_VERSION };
    const names = { nodeId: this.nodeId, region: "", bootId: this.nodeId, agentVersion: "load" };
    return { type: "hello", protocol, ...names, epoch: 0, node };
  }

  /** Does what it is asked to, at once. */
  answer({ id, body }: Send, epoch: number, nowMs: number): Ack {
    const done = { type: "ack" as const, id, ok: true as const, epoch };
    if (body.kind === "expect") {
      const book = new SeatBook(body.server, () => undefined);
      book.ready();
      this.servers.set(body.server.serverId, { expect: body.server, book });
      return done;
    }
    const server = "serverId" in body ? this.servers.get(body.serverId) : undefined;
    if (!server) return done;
    if (body.kind === "grant") return this.grant(server, id, epoch, body, nowMs);
    if (body.kind === "release") server.book.release(body.seats);
    if (body.kind === "forget") this.servers.delete(body.serverId);
    if (body.kind !== "close") return done;
    const closed = server.book.close(body.onlyIfEmpty);
    return closed.ok ? done : { ...done, ok: false, code: closed.code, detail: closed.detail };
  }

  /** False where the seat is not there any more. */
  join({ serverId, sessionId, playerId, generation }: Seated, nowMs: number): AgentEvent | undefined {
    const server = this.servers.get(serverId);
    const { allocationId = "" } = server?.expect ?? {};
    const claims = { sessionId, playerId, serverId, allocationId, generation, expiresAtMs: Infinity };
    if (!server?.book.join(claims, false, nowMs).ok) return undefined;
    if (server.book.state.seats.size > server.expect.maxPlayers) this.over += 1;
    return { serverId, allocationId, atMs: nowMs, kind: "joined", sessionId, generation };
  }

  leave({ serverId, sessionId, playerId, generation }: Seated, nowMs: number): AgentEvent | undefined {
    const server = this.servers.get(serverId);
    if (!server || server.book.leave(playerId).length === 0) return undefined;
    const { allocationId } = server.expect;
    return { serverId, allocationId, atMs: nowMs, kind: "left", sessionId, generation, reason: "left" };
  }

  private grant({ book }: LoadServer, id: number, epoch: number, body: SeatBody, nowMs: number): Ack {
    const granted = book.grant(body.seats, body.leaseMs, nowMs);
    if (!granted.ok) return { type: "ack", id, ok: false, epoch, code: granted.code, detail: granted.detail };
    const seats = granted.seats.map(({ sessionId, playerId, generation, leaseExpiresAtMs = 0 }): GrantedSeat => {
      return { sessionId, playerId, generation, leaseExpiresAtMs, ticket: "unsealed" };
    });
    return { type: "ack", id, ok: true, epoch, seats, free: book.free };
  }
}

/** Whose seat it is, and where. */
export interface Seated {
  readonly serverId: string;
  readonly sessionId: string;
  readonly playerId: string;
  readonly generation: number;
}

/** What the engine would say of a server that was placed on this node. */
export function placedOn(nodeId: string, launch: ServerLaunch): EngineServer {
  const { serverId, experienceId, version, role, meta } = launch;
  return {
    serverId,
    allocationId: `${serverId}-a`,
    nodeId,
    state: "running",
    experienceId,
    version,
    role,
    address: "10.0.0.1",
    ports: {},
    pids: {},
    logFiles: {},
    meta,
    exit: undefined,
  };
}
