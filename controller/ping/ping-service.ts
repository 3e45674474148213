import { createSocket } from "node:dgram";
import { createServer, type RequestListener } from "node:http";
import type { Clock } from "../../protocol/clock";
import { PacketLimits } from "./packet-limits";

export interface PingOptions {
  readonly host: string;
  /** TCP and UDP; 0 for free ones. */
  readonly port: number;
  /** UDP packets a second from one address. */
  readonly rateLimit: number;
}

export interface PingService {
  readonly httpPort: number;
  readonly udpPort: number;
  close(): Promise<void>;
}

/** Of a packet so much is sent back, in bytes: never more than came. */
const ECHO_BYTES = 1024;
const SWEEP_MS = 60_000;
const MAX_CONNECTIONS = 5000;

/**
 * What players measure a region's distance by, as Agones' ping service: every HTTP request is answered `ok`, every UDP
 * packet is sent back, within the rate. It knows nothing and tells nothing.
 * @throws {Error} where a port is taken
 */
export async function startPingService({ host, port, rateLimit }: PingOptions, clock: Clock): Promise<PingService> {
  const http = createServer({ keepAliveTimeout: 10_000, requestTimeout: 10_000 }, answerOk);
  http.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    http.once("error", reject);
    http.listen(port, host, resolve);
  });
  const limits = new PacketLimits(rateLimit);
  const udp = createSocket(host.includes(":") ? "udp6" : "udp4");
  udp.on("message", (packet, { address, port: from }) => {
    if (limits.allows(address, clock.now())) udp.send(packet.subarray(0, ECHO_BYTES), from, address, () => undefined);
  });
  await new Promise<void>((resolve, reject) => {
    udp.once("error", reject);
    udp.bind(port, host, resolve);
  }).catch((error: unknown) => {
    http.close();
    throw error;
  });
  udp.on("error", () => undefined);
  const endSweep = sweep(limits, clock);
  const address = http.address();
  return {
    httpPort: typeof address === "object" && address !== null ? address.port : port,
    udpPort: udp.address().port,
    close: async () => {
      endSweep();
      http.closeAllConnections();
      await Promise.all([
        new Promise<void>((resolve) => http.close(() => resolve())),
        new Promise<void>((resolve) => udp.close(resolve)),
      ]);
    },
  };
}

/** Pages of a game in a browser may ask too. What a request carries is not read. */
const answerOk: RequestListener = (request, response) => {
  const headers = { "content-type": "text/plain", "access-control-allow-origin": "*", "cache-control": "no-store" };
  response.writeHead(200, headers).end(request.method === "HEAD" ? undefined : "ok");
  if (!request.complete) request.resume();
};

function sweep(limits: PacketLimits, clock: Clock): () => void {
  let cancel: () => void = () => undefined;
  const again = (): void => {
    limits.forgetOld(clock.now());
    cancel = clock.after(SWEEP_MS, again);
  };
  cancel = clock.after(SWEEP_MS, again);
  return () => cancel();
}
