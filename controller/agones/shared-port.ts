import { createServer as createHttp, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import {
  createSecureServer,
  createServer as createHttp2,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from "node:http2";
import { createServer as createTcp, type Server, type Socket } from "node:net";
import type { Certificates } from "./certificates";

export type AnyRequest = IncomingMessage | Http2ServerRequest;
export type AnyResponse = ServerResponse | Http2ServerResponse;
export type Handler = (request: AnyRequest, response: AnyResponse) => void;

/** HTTP/1.1 and HTTP/2 on one port, as gRPC and REST share it at Agones' allocator. */
export interface SharedPort {
  readonly port: number;
  /** How many are open now. */
  readonly connections: number;
  /** New connections get these; open ones stay as they are. */
  replaceCertificates(certificates: Certificates): void;
  close(): Promise<void>;
}

export interface SharedPortOptions {
  readonly host: string;
  /** 0 for a free one. */
  readonly port: number;
  /** Only who shows a certificate of one of its authorities is served; without them there is no TLS. */
  readonly certificates: Certificates | undefined;
  /** A connection has to say what it speaks, and a request's head has to be there, within so long, in milliseconds; 10,000. */
  readonly helloMs?: number | undefined;
  /** A connection of HTTP/2 has to make its first call within so long, in milliseconds; 60,000. */
  readonly firstCallMs?: number | undefined;
  /** A connection of HTTP/2 without a call is ended after so long, in milliseconds; five minutes, as Agones' allocator does. */
  readonly idleMs?: number | undefined;
}

const MAX_CONNECTIONS = 10_000;
const MAX_STREAMS = 256;
const MAX_HEADER_BYTES = 16 * 1024;
const IDLE_MS = 5 * 60_000;
/** A request on HTTP/1.1 may be silent for so long, in milliseconds. */
const QUIET_MS = 65_000;
const HELLO_MS = 10_000;
const FIRST_CALL_MS = 60_000;
/** Clients send the whole preface at once; no method of HTTP/1.1 begins so. */
const HTTP2_PREFACE = Buffer.from("PRI ");

/** @throws {Error} where the port is taken */
export async function openSharedPort(options: SharedPortOptions, handler: Handler): Promise<SharedPort> {
  const sockets = new Set<Socket>();
  const { certificates, helloMs = HELLO_MS, firstCallMs = FIRST_CALL_MS, idleMs = IDLE_MS } = options;
  const serveSession = (session: ServerHttp2Session): void => endWithoutCalls(session, firstCallMs, idleMs);
  const { server, secure, end } = certificates
    ? withTls(certificates, helloMs, handler, serveSession)
    : withoutTls(helloMs, handler, serveSession);
  server.maxConnections = MAX_CONNECTIONS;
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : options.port,
    get connections() {
      return sockets.size;
    },
    replaceCertificates: (certificates) => secure?.setSecureContext(certificates),
    close: () =>
      new Promise((resolve) => {
        end?.();
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/**
 * Node does not hear that a client has gone once it was told by the protocol's GOAWAY that its frames are wrong: it stops
 * reading, and the session stays. Who has made no call is ended before the others that are idle.
 */
function endWithoutCalls(session: ServerHttp2Session, firstCallMs: number, idleMs: number): void {
  session.setTimeout(firstCallMs, () => session.destroy());
  session.once("stream", () => session.setTimeout(idleMs));
}

interface Listener {
  readonly server: Server;
  readonly secure?: Http2SecureServer;
  readonly end?: () => void;
}

type OnSession = (session: ServerHttp2Session) => void;

function withTls(certificates: Certificates, helloMs: number, handler: Handler, serve: OnSession): Listener {
  const server = createSecureServer(
    {
      ...certificates,
      minVersion: "TLSv1.2",
      requestCert: true,
      rejectUnauthorized: true,
      allowHTTP1: true,
      maxHeaderListPairs: 64,
      settings: { maxConcurrentStreams: MAX_STREAMS, maxHeaderListSize: MAX_HEADER_BYTES },
      handshakeTimeout: helloMs,
    },
    handler,
  );
  server.setTimeout(IDLE_MS);
  server.on("sessionError", () => undefined);
  server.on("session", serve);
  return { server, secure: server };
}

/** The first bytes of a connection tell which version it speaks. */
function withoutTls(helloMs: number, handler: Handler, serve: OnSession): Listener {
  const http1 = createHttp(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      keepAliveTimeout: QUIET_MS,
      headersTimeout: helloMs,
      requestTimeout: QUIET_MS,
      connectionsCheckingInterval: helloMs,
    },
    handler as RequestListener,
  );
  http1.setTimeout(QUIET_MS);
  // Its check of heads that come in drops begins with its listening, which here another does for it.
  http1.emit("listening");
  const http2 = createHttp2(
    { maxHeaderListPairs: 64, settings: { maxConcurrentStreams: MAX_STREAMS, maxHeaderListSize: MAX_HEADER_BYTES } },
    handler,
  );
  http2.setTimeout(IDLE_MS);
  http2.on("sessionError", () => undefined);
  http2.on("session", serve);
  const server = createTcp({ noDelay: true }, (socket) => {
    const silent = (): void => void socket.destroy();
    socket.setTimeout(helloMs, silent);
    const look = (): void => {
      const first = socket.read() as Buffer | null;
      if (first === null) return;
      socket.off("readable", look);
      socket.setTimeout(0);
      socket.off("timeout", silent);
      socket.unshift(first);
      const isHttp2 = first.subarray(0, HTTP2_PREFACE.length).equals(HTTP2_PREFACE);
      (isHttp2 ? http2 : http1).emit("connection", socket);
    };
    socket.on("readable", look);
  });
  return { server, end: () => void http1.close() };
}
