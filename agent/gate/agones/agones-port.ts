import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "../../../protocol/clock";
import { asAgonesFailure } from "../../agones/agones-status";
import type { GateLimits } from "../limits";
import type { CallAnswer, CallRequest } from "../pending-calls";
import { AgonesGrpc } from "./agones-grpc";
import { AgonesRest } from "./agones-rest";
import { AgonesWatchers, type WatchSink } from "./agones-watchers";
import type { AgonesMethod } from "./messages";

export interface AgonesPortContext {
  readonly serverId: string;
  readonly clock: Clock;
  readonly limits: GateLimits;
  readonly refusePeer: (callerPort: number) => Promise<string | undefined>;
  readonly call: (request: CallRequest, answer: (answer: CallAnswer) => void) => () => void;
  readonly watchersChanged: (watchers: number) => void;
}

const HEALTH = "/agones.dev.sdk.SDK/Health";

/** What one game server's port answers of Agones' SDK, over both wires. It decides nothing: the agent does. */
export class AgonesPort {
  readonly watchers: AgonesWatchers;
  readonly #rest: AgonesRest;
  #grpc: AgonesGrpc | undefined;
  #beatUnderWay = false;

  constructor(private readonly context: AgonesPortContext) {
    this.watchers = new AgonesWatchers(context.watchersChanged);
    this.#rest = new AgonesRest(this.#wire());
  }

  /** A connection that speaks HTTP/2. Most servers of a node speak only one of the wires, so it is made when needed. */
  takeGrpc(socket: Socket): void {
    this.#grpc ??= new AgonesGrpc({ ...this.#wire(), clock: this.context.clock });
    this.#grpc.take(socket);
  }

  serveRest(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    return this.#rest.serve(request, response, url);
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const callerPort = request.socket.remotePort ?? 0;
    void this.#rest.upgrade(request, socket, head, callerPort).catch(() => socket.destroy());
  }

  close(): void {
    this.watchers.endAll();
    this.#grpc?.close();
  }

  #wire() {
    const { limits, refusePeer } = this.context;
    return {
      limits,
      refusePeer,
      call: this.#call,
      beat: () => this.#beat(),
      watch: (sink: WatchSink) => this.#watch(sink),
    };
  }

  readonly #call = (
    method: AgonesMethod,
    request: { readonly body: unknown; readonly bytes: number },
    waitMs: number,
    answer: (answer: CallAnswer) => void,
  ): (() => void) => {
    const { serverId } = this.context;
    const call = { serverId, method: "POST", path: method.path, query: {}, waitMs, ...request };
    return this.context.call(call, ({ status, body }) =>
      answer(status < 400 ? { status, body } : asAgonesFailure(status, body)),
    );
  };

  /** However many pings come: one is on its way, and says what the others would. */
  #beat(): void {
    if (this.#beatUnderWay) return;
    this.#beatUnderWay = true;
    const { serverId } = this.context;
    this.context.call({ serverId, method: "POST", path: HEALTH, query: {}, body: {}, bytes: 0 }, () => {
      this.#beatUnderWay = false;
    });
  }

  #watch(sink: WatchSink): (() => void) | undefined {
    return this.watchers.count >= this.context.limits.streamsPerServer ? undefined : this.watchers.add(sink);
  }
}
