import { chmodSync, rmSync } from "node:fs";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { formatAddress, type Address } from "./address";
import type { Channel } from "./channel";
import type { Clock } from "./clock";
import type { Codec } from "./codec";
import { listenHandshake, type SharedSecret } from "./handshake";
import { socketChannel } from "./socket-channel";

/** Connections that have not yet proved themselves; more are closed at once. */
const MAX_UNPROVED = 64;
const TLS_WITHIN_MS = 5000;
const ONE_AUTHORITY = { requestCert: true, rejectUnauthorized: true, minVersion: "TLSv1.3" } as const;

export interface ListenOptions<Out, In> {
  readonly codec: Codec<Out, In>;
  /** Shared by the programs of one run. */
  readonly secret: SharedSecret;
  readonly clock: Clock;
  /** A connection that failed its handshake: why, and from where. */
  readonly onRefused?: (reason: string) => void;
  readonly signal?: AbortSignal;
  /** Takes only those who show a certificate of the same authority. */
  readonly tls?: TlsIdentity;
}

/** Whom one side shows itself as, and whom it believes: PEM texts. */
export interface TlsIdentity {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}

export interface ChannelListener {
  /** For connections from now on; those that stand go on. Only where it began with one. */
  renew(tls: TlsIdentity): void;
  /** With the port that the system chose, where 0 was asked for. */
  readonly address: Address;
  /** Takes no more connections and closes those there are. */
  close(): Promise<void>;
}

/**
 * Calls `onChannel` for each connection that knows the secret. A Unix socket is made readable by its owner only; one
 * left behind by a program that has died is replaced.
 * @throws {Error} naming the address, where it cannot be listened on
 */
export async function listenSocket<Out, In>(
  address: Address,
  options: ListenOptions<Out, In>,
  onChannel: (channel: Channel<Out, In>) => void,
): Promise<ChannelListener> {
  if (typeof address === "string") await removeLeftover(address);
  const sockets = new Set<Socket>();
  const channels = new Set<Channel<Out, In>>();
  let unproved = 0;
  const onSocket = (socket: Socket): void => {
    if (unproved >= MAX_UNPROVED) {
      socket.destroy();
      return;
    }
    unproved += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    listenHandshake(socket, options, {
      done: (reader) => {
        unproved -= 1;
        const channel = socketChannel(socket, options.codec, { clock: options.clock, reader });
        channels.add(channel);
        channel.onClose(() => channels.delete(channel));
        onChannel(channel);
      },
      failed: (error) => {
        unproved -= 1;
        options.onRefused?.(error.message);
      },
    });
  };
  const { tls } = options;
  const secure = tls && createTlsServer({ ...tls, ...ONE_AUTHORITY, handshakeTimeout: TLS_WITHIN_MS }, onSocket);
  secure?.on("tlsClientError", (error) => options.onRefused?.(error.message));
  const server = secure ?? createServer(onSocket);
  await listening(server, address);
  if (typeof address === "string") chmodSync(address, 0o600);

  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= closeAll(server, channels, sockets));
  options.signal?.addEventListener("abort", () => void close(), { once: true });
  if (options.signal?.aborted) await close();
  return {
    address: boundAddress(server, address),
    renew: (next) => secure?.setSecureContext({ ...next, minVersion: ONE_AUTHORITY.minVersion }),
    close,
  };
}

function listening(server: Server, address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(new Error(`cannot listen on ${formatAddress(address)}: ${error.message}`)));
    const where = typeof address === "string" ? { path: address } : { host: address.host, port: address.port };
    server.listen(where, resolve);
  });
}

function boundAddress(server: Server, asked: Address): Address {
  const bound = server.address();
  return typeof asked !== "string" && typeof bound === "object" && bound
    ? { host: asked.host, port: bound.port }
    : asked;
}

function closeAll(
  server: Server,
  channels: Iterable<{ close(reason: string): void }>,
  sockets: Iterable<Socket>,
): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    const open = [...channels];
    for (const channel of open) channel.close("the listener is closing");
    // Those that are still in their handshake have nothing to say.
    for (const socket of sockets) socket.destroySoon();
  });
}

/** The file of a Unix socket stays when its program is killed. It is only removed once nobody answers on it. */
function removeLeftover(path: string): Promise<void> {
  return new Promise((resolve) => {
    const probe = createConnection(path);
    probe.on("connect", () => {
      probe.destroy();
      resolve();
    });
    probe.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED") rmSync(path, { force: true });
      resolve();
    });
  });
}
