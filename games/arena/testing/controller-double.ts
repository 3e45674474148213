import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { GateDouble } from "../../../sdk/testing/gate-double";

/** A server that the double places players on: its gate's double, and where it plays. */
export interface PlayedServer {
  readonly gate: GateDouble;
  readonly gamePort: number;
  readonly maxPlayers: number;
}

interface HeldSession {
  readonly id: string;
  readonly playerId: string;
  generation: number;
  server: PlayedServer | undefined;
  state: "active" | "migrating" | "ended";
  reason: string;
}

/**
 * A double of the controller for tests and measurements of the bots: places players on servers in order, hands saved
 * states on when told that a server is gone, and answers `GET /v1/sessions/{id}?wait=`. It decides nothing else.
 */
export class ControllerDouble {
  readonly sessions = new Map<string, HeldSession>();
  readonly reports: { readonly latencyMs?: number; readonly packetLoss?: number }[] = [];
  servers: PlayedServer[] = [];
  private readonly followers = new Set<() => void>();
  private sequence = 0;

  private constructor(private readonly http: Server) {
    http.on("request", (request, response) => void this.serve(request, response));
  }

  static async start(): Promise<ControllerDouble> {
    const http = createServer();
    const double = new ControllerDouble(http);
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    return double;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.http.address() as AddressInfo).port}`;
  }

  /**
   * The server is gone: its players are placed on the others, with what it saved of them.
   * @returns their sessions, which go on changing
   */
  failed(server: PlayedServer): readonly Readonly<HeldSession>[] {
    this.servers = this.servers.filter((other) => other !== server);
    const moved = [...this.sessions.values()].filter((session) => session.server === server && hasSeat(session));
    for (const session of moved) {
      session.server = this.free();
      session.generation++;
      session.state = session.server ? "active" : "ended";
      session.reason = session.server ? "its server failed" : "no server has room";
      const saved = server.gate.saved.players.get(session.playerId);
      if (session.server && saved !== undefined) session.server.gate.hold(session.playerId, saved);
    }
    for (const follower of this.followers) follower();
    return moved;
  }

  async close(): Promise<void> {
    this.http.closeAllConnections();
    await new Promise((resolve) => this.http.close(resolve));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = "";
    for await (const chunk of request.setEncoding("utf8")) text += chunk as string;
    const url = new URL(request.url ?? "/", "http://double");
    const body = (text === "" ? {} : JSON.parse(text)) as Record<string, unknown>;
    const id = /^\/v1\/sessions\/([^/]+)$/.exec(url.pathname)?.[1];
    const session = id === undefined ? undefined : this.sessions.get(id);
    const call = `${request.method} ${id === undefined ? url.pathname : "/v1/sessions/{id}"}`;
    if (call === "GET /health") this.answer(response, 200, {});
    else if (call === "GET /v1/regions")
      this.answer(response, 200, { items: [{ name: "here", url: this.url }], next: null });
    else if (call === "POST /v1/sessions") this.create(response, body);
    else if (session === undefined) this.answer(response, 404, { code: "unknownSession", detail: `no session ${id}` });
    else if (call === "GET /v1/sessions/{id}")
      this.follow(response, session, Number(url.searchParams.get("wait") ?? 0), generationOf(request));
    else if (call === "PATCH /v1/sessions/{id}") {
      this.reports.push(body);
      this.answer(response, 200, this.resource(session));
    } else {
      this.end(session);
      this.answer(response, 200, this.resource(session));
    }
  }

  private create(response: ServerResponse, body: Record<string, unknown>): void {
    const players = [body["playerId"] as string, ...((body["party"] ?? []) as string[])];
    const server = this.servers.find((entry) => this.seatsOf(entry) + players.length <= entry.maxPlayers);
    if (server === undefined) {
      this.answer(response, 503, { code: "noCapacity", detail: "every server of the double is full" });
      return;
    }
    const [own, ...party] = players.map((playerId) => {
      const session: HeldSession = {
        id: `session-${++this.sequence}`,
        playerId,
        generation: 1,
        server,
        state: "active",
        reason: "",
      };
      this.sessions.set(session.id, session);
      return { session: this.resource(session), ticket: this.ticket(session) };
    });
    this.answer(response, 200, { ...own, server: endpoint(server), party });
  }

  private follow(response: ServerResponse, session: HeldSession, waitSecs: number, generation: number): void {
    const done = (): void => {
      clearTimeout(timer);
      this.followers.delete(look);
      const seated = session.server && session.state === "active";
      this.answer(response, 200, {
        session: this.resource(session),
        server: seated && session.server ? endpoint(session.server) : null,
        ticket: seated ? this.ticket(session) : null,
      });
    };
    const look = (): void => {
      if (session.state === "ended" || session.generation > generation) done();
    };
    const timer = setTimeout(done, waitSecs * 1000);
    this.followers.add(look);
    response.on("close", () => {
      clearTimeout(timer);
      this.followers.delete(look);
    });
    look();
  }

  private end(session: HeldSession): void {
    session.state = "ended";
    session.reason = "left";
    session.server?.gate.seats.delete(session.playerId);
  }

  private free(): PlayedServer | undefined {
    return this.servers.find((server) => this.seatsOf(server) < server.maxPlayers);
  }

  private seatsOf(server: PlayedServer): number {
    let seats = 0;
    for (const session of this.sessions.values()) if (session.server === server && hasSeat(session)) seats++;
    return seats;
  }

  private ticket({ id, playerId, generation, server }: HeldSession): string {
    return server?.gate.ticket(playerId, { sessionId: id, generation }) ?? "";
  }

  private resource({ id, playerId, generation, server, state, reason }: HeldSession): Record<string, unknown> {
    return {
      id,
      playerId,
      experienceId: "arena",
      serverId: server?.gate.serverId ?? null,
      region: "here",
      state,
      generation,
      reason,
    };
  }

  private answer(response: ServerResponse, status: number, body: unknown): void {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  }
}

/** Not where the player left, be it by the controller or by the game. */
export function hasSeat({ id, server, state }: Readonly<HeldSession>): boolean {
  return server !== undefined && state !== "ended" && !server.gate.left.has(id);
}

function endpoint({ gate, gamePort }: PlayedServer): Record<string, unknown> {
  return { id: gate.serverId, address: "127.0.0.1", ports: { game: gamePort } };
}

/** What the caller knows, as its ticket says. */
function generationOf(request: IncomingMessage): number {
  const ticket = /^Ticket ([^.]+)\./.exec(request.headers.authorization ?? "")?.[1];
  return ticket === undefined ? 0 : (JSON.parse(Buffer.from(ticket, "base64url").toString("utf8")) as { g: number }).g;
}
