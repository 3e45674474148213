import type { Socket } from "node:net";
import type { status } from "@grpc/grpc-js";
import {
  Server,
  ServerCredentials,
  type MethodDefinition,
  type sendUnaryData,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { Clock } from "../../../protocol/clock";
import { CODE, type AgonesFailure, type StatusCode } from "../../agones/agones-status";
import type { GateLimits } from "../limits";
import type { CallAnswer } from "../pending-calls";
import { boundArriving } from "./arriving-calls";
import { decodeMessage, encodeMessage, type AgonesBody } from "./codec";
import { AGONES_METHODS, type AgonesMethod } from "./messages";
import type { WatchSink } from "./agones-watchers";

/** A request as it came off the wire. */
interface Received {
  readonly body: AgonesBody;
  readonly bytes: number;
}

type Unary = ServerUnaryCall<Received, unknown>;

/** What the wire needs of the port around it. */
export interface GrpcContext {
  readonly limits: GateLimits;
  readonly clock: Clock;
  /** Why the caller behind this port is refused, if it is. */
  readonly refusePeer: (callerPort: number) => Promise<string | undefined>;
  /** Passes a call on; the result gives up waiting. */
  readonly call: (
    method: AgonesMethod,
    request: Received,
    waitMs: number,
    answer: (answer: CallAnswer) => void,
  ) => () => void;
  readonly beat: () => void;
  /** @returns undefined where there are too many */
  readonly watch: (sink: WatchSink) => (() => void) | undefined;
}

/** Agones' SDK over gRPC for one game server. Connections are given to it, so that one port serves HTTP too. */
export class AgonesGrpc {
  readonly #server: Server;
  readonly #injector: ReturnType<Server["createConnectionInjector"]>;

  constructor(private readonly context: GrpcContext) {
    const { limits, clock } = context;
    this.#server = new Server({
      interceptors: [boundArriving(limits, clock)],
      "grpc.enable_channelz": 0,
      "grpc.max_receive_message_length": limits.bodyBytes,
      "grpc.max_metadata_size": limits.headerBytes,
      "grpc.max_concurrent_streams": limits.grpcStreamsPerConnection,
      // In MiB: what Node keeps for one connection, its headers and what waits to be written.
      "grpc-node.max_session_memory": 2,
      // Node does not hear that a client is gone which it told that its frames are wrong, and keeps its connection.
      "grpc.max_connection_idle_ms": limits.grpcIdleMs,
    });
    this.#server.addService(SERVICE, this.#implementation());
    this.#injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
  }

  take(socket: Socket): void {
    this.#injector.injectConnection(socket);
  }

  close(): void {
    this.#injector.destroy();
    this.#server.forceShutdown();
  }

  #implementation(): UntypedServiceImplementation {
    const handlers = AGONES_METHODS.map((method): [string, UntypedServiceImplementation[string]] => {
      if (method.streams === "request") return [method.path, this.#health as never];
      if (method.streams === "response") return [method.path, this.#watch as never];
      return [
        method.path,
        ((call: Unary, done: sendUnaryData<unknown>) => void this.#unary(method, call, done)) as never,
      ];
    });
    return Object.fromEntries(handlers);
  }

  async #unary(method: AgonesMethod, call: Unary, done: sendUnaryData<unknown>): Promise<void> {
    const refused = await this.#refused(call);
    if (refused !== undefined) return done(refused);
    if (call.cancelled) return;
    const giveUp = this.context.call(method, call.request, this.#waitMs(call), ({ status: http, body }) => {
      if (http < 400) return done(null, body);
      const { code, message } = body as AgonesFailure;
      done(failure(code, message));
    });
    call.on("cancelled", giveUp);
  }

  readonly #health = (call: ServerReadableStream<Received, unknown>, done: sendUnaryData<unknown>): void => {
    const verdict = this.#refused(call);
    call.on("data", () => {
      void verdict.then((refused) => (refused === undefined ? this.context.beat() : undefined));
    });
    call.on("end", () => void verdict.then((refused) => (refused === undefined ? done(null, {}) : done(refused))));
    void verdict.then((refused) => {
      if (refused !== undefined) done(refused);
    });
  };

  readonly #watch = (call: ServerWritableStream<Received, unknown>): void => {
    void this.#refused(call).then((refused) => {
      if (refused !== undefined) return void call.emit("error", refused);
      if (call.cancelled) return;
      const gone = this.context.watch({
        send: (gameServer, taken) => void call.write(gameServer, taken),
        end: () => call.end(),
      });
      if (gone === undefined) {
        const detail = `${this.context.limits.streamsPerServer} watchers are open; close one, or share one`;
        return void call.emit("error", failure(CODE.resourceExhausted, detail));
      }
      call.on("cancelled", gone);
      call.on("error", gone);
      call.on("close", gone);
    });
  };

  async #refused(call: { getPeer(): string }): Promise<ReturnType<typeof failure> | undefined> {
    const callerPort = Number(/:(\d+)$/.exec(call.getPeer())?.[1]);
    const why = await this.context.refusePeer(callerPort);
    return why === undefined ? undefined : failure(CODE.permissionDenied, why);
  }

  /** As long as the caller waits, within bounds. */
  #waitMs(call: Unary): number {
    const deadline = call.getDeadline();
    const { agonesAnswerMs } = this.context.limits;
    const leftMs = Number(deadline) - this.context.clock.now();
    return Number.isFinite(leftMs) ? Math.min(agonesAnswerMs, Math.max(0, leftMs)) : agonesAnswerMs;
  }
}

function failure(code: StatusCode, details: string): Error & { readonly code: status; readonly details: string } {
  return Object.assign(new Error(details), { code: code, details });
}

function definitionOf({ path, request, response, streams }: AgonesMethod): MethodDefinition<unknown, unknown> {
  const serialize = (type: string) => (body: unknown) => encodeMessage(type, body);
  const deserialize = (type: string) => (bytes: Buffer) => ({ body: decodeMessage(type, bytes), bytes: bytes.length });
  return {
    path,
    requestStream: streams === "request",
    responseStream: streams === "response",
    requestSerialize: serialize(request),
    requestDeserialize: deserialize(request),
    responseSerialize: serialize(response),
    responseDeserialize: deserialize(response),
  };
}

const SERVICE: ServiceDefinition = Object.fromEntries(
  AGONES_METHODS.map((method) => [method.path, definitionOf(method)]),
);
