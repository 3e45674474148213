import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { checkTicket, readTicket } from "../src/server/ticket";

/**
 * A double of the gate and the agent behind it, for tests and measurements of what stands in front of them: real HTTP,
 * the calls of one game server, seats in memory. It is no agent: no leases, no journal, no counting of places.
 */
export interface GateDoubleOptions {
  readonly serverId?: string;
  readonly region?: string;
  readonly maxPlayers?: number;
  /** Ports of the server, given to it as `FORGE_PORT_…`. */
  readonly ports?: Readonly<Record<string, number>>;
  readonly port?: number;
  /** What each player or the server is to get back, as another server saved it. */
  readonly restore?: {
    readonly server?: string;
    readonly players?: Readonly<Record<string, string>>;
    readonly ageMs?: number;
  };
}

export interface RecordedCall {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

export interface Seated {
  readonly playerId: string;
  readonly sessionId: string;
  readonly generation: number;
  readonly joinedAt: string;
}

export class GateDouble {
  readonly calls: RecordedCall[] = [];
  readonly seats = new Map<string, Seated>();
  readonly used = new Set<string>();
  /** Sessions whose players left again. */
  readonly left = new Set<string>();
  readonly saved = {
    server: undefined as string | undefined,
    players: new Map<string, { data: string; atMs: number }>(),
  };
  readonly ticketKey = "key of the double";
  readonly token = "token of the double";
  /** Answers this instead of the usual, where it gives something: to play a gate whose agent is away. */
  intercept: ((call: RecordedCall) => { status: number; body?: unknown; drop?: boolean } | undefined) | undefined;
  private readonly held = new Map<string, { readonly data: string; readonly atMs: number }>();
  private readonly streams = new Set<ServerResponse>();
  private readonly waiting: { matches: () => boolean; resolve: () => void }[] = [];

  private constructor(
    private readonly http: Server,
    private readonly options: GateDoubleOptions,
  ) {
    http.on("request", (request, response) => void this.serve(request, response));
  }

  static async start(options: GateDoubleOptions = {}): Promise<GateDouble> {
    const http = createServer();
    const double = new GateDouble(http, options);
    await new Promise<void>((resolve) => http.listen(options.port ?? 0, "127.0.0.1", resolve));
    return double;
  }

  get port(): number {
    return (this.http.address() as AddressInfo).port;
  }

  get serverId(): string {
    return this.options.serverId ?? "server-1";
  }

  get streamCount(): number {
    return this.streams.size;
  }

  /** The environment of the game server in front of this double. */
  env(): Record<string, string> {
    const ports = Object.entries(this.options.ports ?? {}).map(([name, port]) => [
      `FORGE_PORT_${name.toUpperCase()}`,
      String(port),
    ]);
    return {
      FORGE_SDK_URL: `http://127.0.0.1:${this.port}`,
      FORGE_SDK_TOKEN: this.token,
      FORGE_SERVER_ID: this.serverId,
      ...(Object.fromEntries(ports) as Record<string, string>),
    };
  }

  /** A ticket for a seat here, as a real agent would seal it. */
  ticket(
    playerId: string,
    claims: { generation?: number; sessionId?: string; expiresAtMs?: number; serverId?: string } = {},
  ): string {
    const {
      generation = 1,
      sessionId = `session-${playerId}`,
      expiresAtMs = Date.now() + 30_000,
      serverId = this.serverId,
    } = claims;
    const json = JSON.stringify({
      s: sessionId,
      p: playerId,
      v: serverId,
      a: "allocation-1",
      g: generation,
      e: expiresAtMs,
    });
    const body = Buffer.from(json).toString("base64url");
    return `${body}.${createHmac("sha256", this.ticketKey).update(body).digest("base64url")}`;
  }

  /** Gives a player's saved state to the server when that player joins. */
  hold(playerId: string, saved: { readonly data: string; readonly atMs: number }): void {
    this.held.set(playerId, saved);
  }

  push(event: string, data: unknown): void {
    for (const stream of this.streams) stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  endStreams(): void {
    for (const stream of this.streams) stream.destroy();
  }

  callsTo(path: string): readonly RecordedCall[] {
    return this.calls.filter((call) => call.path === path);
  }

  /** Resolves when `matches` is true, looking again after each call and each stream that opens or ends. */
  until(matches: () => boolean): Promise<void> {
    if (matches()) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push({ matches, resolve }));
  }

  async close(): Promise<void> {
    this.endStreams();
    this.http.closeAllConnections();
    await new Promise((resolve) => this.http.close(resolve));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = "";
    for await (const chunk of request.setEncoding("utf8")) text += chunk as string;
    const path = (request.url ?? "/").split("?")[0] ?? "/";
    const call = {
      method: request.method ?? "GET",
      path,
      body: text === "" ? undefined : (JSON.parse(text) as unknown),
    };
    this.calls.push(call);
    const instead = this.intercept?.(call);
    if (request.headers.authorization !== `Bearer ${this.token}`)
      answer(response, 401, problem(401, "unauthorized", "wrong token"));
    else if (instead?.drop) response.destroy();
    else if (instead) answer(response, instead.status, instead.body ?? problem(instead.status, "unavailable", "away"));
    else if (path === "/v1/watch") this.openStream(response);
    else {
      const [status, body] = this.handle(call);
      answer(response, status, body);
    }
    this.look();
  }

  private handle({ method, path, body }: RecordedCall): [number, unknown] {
    const fields = (body ?? {}) as Record<string, unknown>;
    switch (`${method} ${path}`) {
      case "GET /v1/gameserver":
        return [200, this.info()];
      case "POST /v1/players/join":
        return this.join(String(fields["ticket"]), fields["rejoin"] === true);
      case "POST /v1/players/leave":
        this.leave(String(fields["playerId"]));
        return [200, {}];
      case "GET /v1/players":
        return [200, { players: [...this.seats.values()] }];
      case "POST /v1/snapshot":
        if (typeof fields["server"] === "string") this.saved.server = fields["server"];
        for (const [id, data] of Object.entries((fields["players"] ?? {}) as Record<string, string>))
          this.saved.players.set(id, { data, atMs: Date.now() });
        return [200, {}];
      default:
        return /^(POST \/v1\/(ready|health|shutdown|reserve|stats)|PUT \/v1\/(labels|annotations))$/.test(
          `${method} ${path}`,
        )
          ? [200, {}]
          : [404, problem(404, "unknownCall", `${method} ${path}`)];
    }
  }

  private join(ticket: string, rejoin: boolean): [number, unknown] {
    const check = checkTicket(this.ticketKey, ticket, Date.now());
    if (!check.ok) {
      const code = `ticket${check.problem[0]?.toUpperCase()}${check.problem.slice(1)}`;
      return [403, problem(403, code, "refused by the double")];
    }
    const { playerId, sessionId, generation, serverId } = readTicket(ticket) ?? check.claims;
    if (serverId !== this.serverId) return [403, problem(403, "ticketForeign", `the ticket is for ${serverId}`)];
    if (this.used.has(ticket) && !rejoin) return [403, problem(403, "ticketReplayed", "this ticket was used")];
    this.used.add(ticket);
    this.seats.set(playerId, { playerId, sessionId, generation, joinedAt: new Date().toISOString() });
    const data = this.options.restore?.players?.[playerId];
    const held = this.held.get(playerId);
    const given = data === undefined ? null : { data, ageMs: this.options.restore?.ageMs ?? 0 };
    const restore = held ? { data: held.data, ageMs: Date.now() - held.atMs } : given;
    return [200, { admitted: true, playerId, sessionId, generation, restore }];
  }

  private leave(playerId: string): void {
    const seat = this.seats.get(playerId);
    if (seat) this.left.add(seat.sessionId);
    this.seats.delete(playerId);
  }

  private info(): Record<string, unknown> {
    const { region = "here", maxPlayers = 16, ports = {}, restore } = this.options;
    return {
      serverId: this.serverId,
      allocationId: "allocation-1",
      experienceId: "arena",
      version: "1",
      role: "server",
      region,
      address: "127.0.0.1",
      ports,
      maxPlayers,
      ticketKey: this.ticketKey,
      state: "starting",
      labels: {},
      annotations: {},
      players: [],
      restore: restore?.server === undefined ? null : { data: restore.server, ageMs: restore.ageMs ?? 0 },
    };
  }

  private openStream(response: ServerResponse): void {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(`: here\n\nevent: gameserver\ndata: ${JSON.stringify(this.info())}\n\n`);
    this.streams.add(response);
    response.on("close", () => {
      this.streams.delete(response);
      this.look();
    });
  }

  private look(): void {
    for (const waiter of this.waiting.splice(0)) {
      if (waiter.matches()) waiter.resolve();
      else this.waiting.push(waiter);
    }
  }
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": status < 400 ? "application/json" : "application/problem+json" });
  response.end(JSON.stringify(body));
}

function problem(status: number, code: string, detail: string): Record<string, unknown> {
  return { type: `urn:forge:${code}`, title: code, status, code, detail };
}
