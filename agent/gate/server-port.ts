import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "../../protocol/clock";
import type { OpenServer } from "../../protocol/gate-messages";
import type { AgonesPort } from "./agones/agones-port";
import { divertHttp2 } from "./divert-http2";
import type { GateLimits } from "./limits";
import type { PeerCheck, PeerVerdict } from "./peer-check";
import type { CallAnswer, CallRequest } from "./pending-calls";
import { gateProblem, rawProblem, sendJson, sendProblem, type Problem } from "./problem";
import { readBody, type BodyRead } from "./request-body";
import { WatchStreams } from "./watch-streams";

const HOST = "127.0.0.1";
/** Where all of Forge's own calls are; a server on Agones' SDK is answered in Agones' words everywhere else. */
const FORGE_CALLS = "/v1/";
const WATCH_PATH = "/v1/watch";
const SNAPSHOT_PATH = "/v1/snapshot";
const AGONES_WATCH_PATH = "/watch/gameserver";

/** What a port needs of the gate around it. */
export interface PortContext {
  readonly clock: Clock;
  readonly limits: GateLimits;
  readonly checkPeer: PeerCheck;
  /** Passes a call on; the result gives up waiting for its answer. */
  readonly call: (request: CallRequest, answer: (answer: CallAnswer) => void) => () => void;
  readonly streamsChanged: (change: "streamOpened" | "streamEnded", streams: number) => void;
  readonly watchersChanged: (watchers: number) => void;
}

/**
 * Where one game server finds its SDK: one listener on loopback. Forge's own calls show the server's token; Agones', which
 * know no tokens, are answered where the server was declared to use that SDK, and only to the server's own processes.
 */
export class ServerPort {
  readonly streams: WatchStreams;
  /** Only with `sdk = "agones"`. */
  readonly agones: AgonesPort | undefined;
  readonly #http: Server;
  readonly #tokenHash: Buffer;
  /** By the caller's port, which no two connections to this one share. */
  readonly #verdicts = new Map<number, Promise<PeerVerdict>>();
  #pids: readonly number[];
  #connections = 0;
  #arrivingSnapshots = 0;

  /**
   * @param server as the agent asked for it
   * @param agonesPort where it is one on Agones' SDK
   */
  constructor(
    readonly server: OpenServer,
    private readonly context: PortContext,
    agonesPort?: typeof AgonesPort,
  ) {
    const { limits } = context;
    this.#tokenHash = sha256(server.token);
    this.#pids = server.pids ?? [];
    this.streams = new WatchStreams(limits, context.streamsChanged);
    this.#http = createServer(
      {
        maxHeaderSize: limits.headerBytes,
        headersTimeout: limits.requestMs,
        requestTimeout: limits.requestMs,
        keepAliveTimeout: limits.keepAliveMs,
        connectionsCheckingInterval: limits.requestMs,
      },
      (request, response) => void this.#serve(request, response).catch(() => response.destroy()),
    );
    this.#http.maxConnections = limits.connectionsPerServer;
    this.#http.on("clientError", refuseUnreadable);
    this.agones = agonesPort && this.#serveAgones(agonesPort);
    this.#http.on("connection", (socket) => {
      this.#connections += 1;
      const { remotePort } = socket;
      socket.once("close", () => {
        this.#connections -= 1;
        if (remotePort !== undefined) this.#verdicts.delete(remotePort);
      });
      if (this.#connections > limits.connectionsPerServer / 2) void this.#sendStrangerAway(socket);
    });
  }

  /** How many are open now, streams and kept-alive ones too. */
  get connections(): number {
    return this.#connections;
  }

  /** The port itself: where 0 was asked for, the one that the system chose. */
  get port(): number {
    const address = this.#http.address();
    return typeof address === "object" && address !== null ? address.port : this.server.port;
  }

  /** @throws {Error} where the port cannot be had */
  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#http.once("error", reject);
      this.#http.listen(this.server.port, HOST, () => {
        this.#http.off("error", reject);
        resolve();
      });
    });
  }

  /** Whether `open` asks for what is open already, so that its streams may stay. */
  isFor(open: OpenServer): boolean {
    const { allocationId, port, token, sdk } = this.server;
    return open.allocationId === allocationId && open.port === port && open.token === token && open.sdk === sdk;
  }

  /** The server's processes may become known, or change, after its port is open. */
  knowPids(pids: readonly number[]): void {
    this.#pids = pids;
  }

  /** Ends streams and connections and gives the port back. */
  async close(): Promise<void> {
    this.streams.endAll();
    this.agones?.watchers.endAll();
    const closed = new Promise<void>((resolve) => this.#http.close(() => resolve()));
    // What was written just now is with the kernel after a turn of the loop, and arrives also when we hang up.
    await new Promise((resolve) => setImmediate(resolve));
    this.#http.closeAllConnections();
    this.agones?.close();
    await closed;
  }

  #serveAgones(Port: typeof AgonesPort): AgonesPort {
    const { clock, limits, call, watchersChanged } = this.context;
    const agones = new Port({
      serverId: this.server.serverId,
      clock,
      limits,
      call,
      watchersChanged,
      refusePeer: (callerPort) => this.#foreign(callerPort),
    });
    divertHttp2(this.#http, limits.requestMs, (socket) => agones.takeGrpc(socket));
    this.#http.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (parseTarget(request.url)?.pathname === AGONES_WATCH_PATH) agones.upgrade(request, socket, head);
      else socket.destroy();
    });
    return agones;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.on("error", () => response.destroy());
    response.on("error", () => request.destroy());
    const url = parseTarget(request.url);
    if (this.agones && url && !url.pathname.startsWith(FORGE_CALLS)) {
      return this.agones.serveRest(request, response, url);
    }
    const refused = this.#refuseToken(request) ?? (await this.#refusePeer(request));
    if (refused !== undefined) return this.#refuse(request, response, refused);

    if (url === undefined)
      return this.#refuse(request, response, gateProblem("malformed", "the request's target is no path"));
    if (request.method === "GET" && url.pathname === WATCH_PATH) return this.#watch(request, response);
    await this.#pass(request, response, url);
  }

  #watch(request: IncomingMessage, response: ServerResponse): void {
    const { streamsPerServer } = this.context.limits;
    if (this.streams.count >= streamsPerServer) {
      const detail = `${streamsPerServer} streams are open; close one, or share one within the server`;
      return this.#refuse(request, response, gateProblem("tooManyStreams", detail));
    }
    request.resume();
    this.streams.open(response);
  }

  async #pass(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const read = await this.#read(request, url.pathname);
    if (read === undefined) return void response.destroy();
    if (!read.ok) return sendProblem(response, read.problem);
    const giveUp = this.context.call(
      {
        serverId: this.server.serverId,
        method: request.method ?? "GET",
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        body: read.body,
        bytes: read.bytes,
      },
      ({ status, body }) => sendJson(response, status, body),
    );
    response.on("close", giveUp);
  }

  /** Saved states may be larger than other bodies, but of few at a time: what arrives is in memory and counted nowhere else. */
  async #read(request: IncomingMessage, path: string): Promise<BodyRead | undefined> {
    const { bodyBytes, snapshotBytes, arrivingSnapshots } = this.context.limits;
    // Without a length it may become a large one.
    const isLarge = Number(request.headers["content-length"] ?? Infinity) > bodyBytes;
    if (path !== SNAPSHOT_PATH || !isLarge) return readBody(request, bodyBytes);
    if (this.#arrivingSnapshots >= arrivingSnapshots) {
      request.resume();
      const detail = `${arrivingSnapshots} large snapshots of this server are arriving; send them one after the other`;
      return { ok: false, problem: gateProblem("tooManyCalls", detail) };
    }
    this.#arrivingSnapshots += 1;
    try {
      return await readBody(request, snapshotBytes);
    } finally {
      this.#arrivingSnapshots -= 1;
    }
  }

  #refuseToken(request: IncomingMessage): Problem | undefined {
    const given = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? "")?.[1];
    const detail = "send `Authorization: Bearer` with the value of FORGE_SDK_TOKEN";
    if (given === undefined) return gateProblem("unauthorized", `no bearer token; ${detail}`);
    // Hashes have one length, so comparing them tells nothing of the token's.
    if (!timingSafeEqual(sha256(given), this.#tokenHash)) {
      return gateProblem("unauthorized", `not this server's token; ${detail} of the server whose port this is`);
    }
    return undefined;
  }

  /** Only asked once a connection has shown the right token. */
  async #refusePeer({ socket }: IncomingMessage): Promise<Problem | undefined> {
    const foreign = await this.#foreign(socket.remotePort);
    return foreign === undefined ? undefined : gateProblem("peerForeign", foreign);
  }

  /** Whoever makes no call is not asked whose they are; once they take up room, they are. */
  async #sendStrangerAway(socket: Socket): Promise<void> {
    if ((await this.#foreign(socket.remotePort)) !== undefined) socket.destroy();
  }

  /** Why the caller behind a port is none of the server's own, looked at once for each connection. */
  async #foreign(callerPort: number | undefined): Promise<string | undefined> {
    if (this.#pids.length === 0 || callerPort === undefined) return undefined;
    let verdict = this.#verdicts.get(callerPort);
    if (verdict === undefined) {
      verdict = this.context.checkPeer({ port: this.port, callerPort, pids: this.#pids });
      this.#verdicts.set(callerPort, verdict);
    }
    if ((await verdict) !== "foreign") return undefined;
    return `the connection comes from a process outside those of server ${this.server.serverId}; each server calls its own FORGE_SDK_URL`;
  }

  /** The body is read away meanwhile, see `readBody`. */
  #refuse(request: IncomingMessage, response: ServerResponse, problem: Problem): void {
    request.resume();
    sendProblem(response, problem, problem.status === 401 ? { "www-authenticate": "Bearer" } : {});
  }
}

function parseTarget(target: string | undefined): URL | undefined {
  try {
    return new URL(target ?? "", `http://${HOST}`);
  } catch {
    return undefined;
  }
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** Requests that Node's parser gave up on never become a request of ours. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable) return void socket.destroy();
  const problem =
    error.code === "HPE_HEADER_OVERFLOW"
      ? gateProblem("headersTooLarge", "send fewer or shorter headers")
      : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? gateProblem("requestTimeout", "send the whole request at once")
        : gateProblem("malformed", `not HTTP: ${error.message}`);
  socket.end(rawProblem(problem));
}
