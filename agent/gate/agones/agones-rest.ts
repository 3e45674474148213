import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import { agonesFailure, asAgonesFailure, CODE } from "../../agones/agones-status";
import type { GateLimits } from "../limits";
import type { CallAnswer } from "../pending-calls";
import { sendJson } from "../problem";
import { readBody } from "../request-body";
import type { WatchSink } from "./agones-watchers";
import { readJson } from "./codec";
import type { AgonesMethod } from "./messages";
import { isAgonesPath, restCall } from "./rest-routes";

export interface RestContext {
  readonly limits: GateLimits;
  readonly refusePeer: (callerPort: number) => Promise<string | undefined>;
  readonly call: (
    method: AgonesMethod,
    request: { readonly body: unknown; readonly bytes: number },
    waitMs: number,
    answer: (answer: CallAnswer) => void,
  ) => () => void;
  readonly beat: () => void;
  readonly watch: (sink: WatchSink) => (() => void) | undefined;
}

/** Agones' SDK over HTTP for one game server, as its grpc-gateway answers: paths, JSON, statuses. */
export class AgonesRest {
  readonly #sockets: WebSocketServer;

  constructor(private readonly context: RestContext) {
    this.#sockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: context.limits.headerBytes,
    });
  }

  async serve(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const refused = await this.context.refusePeer(request.socket.remotePort ?? 0);
    if (refused !== undefined) return this.#refuse(request, response, agonesFailure(CODE.permissionDenied, refused));
    const known = callOf(request.method ?? "GET", url);
    if (known === undefined) {
      // The words of Agones' gateway, whether the path has other verbs or there is none.
      const failure = isAgonesPath(url.pathname)
        ? agonesFailure(CODE.unimplemented, "Method Not Allowed")
        : agonesFailure(CODE.notFound, "Not Found");
      return this.#refuse(request, response, failure);
    }
    if (known.method.streams === "response") return this.#watchLines(request, response);
    const read = await readBody(request, this.context.limits.bodyBytes);
    if (read === undefined) return void response.destroy();
    if (!read.ok) return send(response, asAgonesFailure(read.problem.status, read.problem));
    if (known.method.streams === "request") return this.#health(response, read.bytes);

    let body: unknown;
    try {
      body = readJson(known.method.request, known.message(read.body));
    } catch (error) {
      return send(response, agonesFailure(CODE.invalidArgument, (error as Error).message));
    }
    const { agonesAnswerMs } = this.context.limits;
    const giveUp = this.context.call(known.method, { body, bytes: read.bytes }, agonesAnswerMs, (answer) =>
      send(response, answer),
    );
    response.on("close", giveUp);
  }

  /** Engines' REST clients watch over a WebSocket, one state a message. */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, callerPort: number): Promise<void> {
    socket.on("error", () => socket.destroy());
    const refused = await this.context.refusePeer(callerPort);
    if (refused !== undefined) return void socket.end("HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n");
    this.#sockets.handleUpgrade(request, socket, head, (client) => this.#watchSocket(client));
  }

  /** Without a body at all, as Agones: 400 and nothing said. */
  #health(response: ServerResponse, bytes: number): void {
    if (bytes === 0) return void response.writeHead(400, { "content-length": 0 }).end();
    this.context.beat();
    send(response, { status: 200, body: {} });
  }

  #watchLines(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    const gone = this.context.watch({
      send: (gameServer, taken) => {
        if (!response.headersSent) response.writeHead(200, { "content-type": "application/json" });
        response.write(`${JSON.stringify({ result: gameServer })}\n`, () => taken());
      },
      end: () => response.end(),
    });
    if (gone === undefined) return send(response, this.#tooMany());
    response.on("close", gone);
  }

  #watchSocket(client: WebSocket): void {
    client.on("error", () => client.terminate());
    const gone = this.context.watch({
      send: (gameServer, taken) => client.send(JSON.stringify({ result: gameServer }), () => taken()),
      end: () => client.close(1001),
    });
    if (gone === undefined) return client.close(1013, this.#tooMany().body.message.slice(0, 120));
    client.on("close", gone);
  }

  #tooMany(): ReturnType<typeof agonesFailure> {
    const { streamsPerServer } = this.context.limits;
    return agonesFailure(CODE.resourceExhausted, `${streamsPerServer} watchers are open; close one, or share one`);
  }

  /** The body is read away meanwhile, see `readBody`. */
  #refuse(request: IncomingMessage, response: ServerResponse, failure: CallAnswer): void {
    request.resume();
    send(response, failure);
  }
}

function callOf(verb: string, url: URL): ReturnType<typeof restCall> {
  try {
    return restCall(verb, url);
  } catch {
    return undefined;
  }
}

function send(response: ServerResponse, { status, body }: CallAnswer): void {
  sendJson(response, status, body, { "content-type": "application/json" });
}
