import { createSocket } from "node:dgram";
import { createServer } from "node:net";

/**
 * Below what Linux gives outgoing connections and listeners on port 0 (32768 up), which could take a port between its
 * choice and its use; and apart from the ports that `config/local-ports.ts` counts on, by any multiple of 4000.
 */
const FIRST = 17_000;
const LAST = 19_299;

/**
 * Ports of loopback that nobody listens on just now, TCP or UDP, all different. They come from a random place, so that
 * two who ask at the same moment seldom meet.
 *
 * @throws {Error} where there are not so many
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const size = LAST - FIRST + 1;
  const start = Math.floor(Math.random() * size);
  const found: number[] = [];
  for (let tried = 0; tried < size && found.length < count; tried += 1) {
    const port = FIRST + ((start + tried) % size);
    if ((await isFree(port)) && (await isFreeOfUdp(port))) found.push(port);
  }
  if (found.length < count)
    throw new Error(`no ${String(count)} ports are free from ${String(FIRST)} to ${String(LAST)}`);
  return found;
}

/** One of them. */
export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}

/** Whether a program could listen on this port of loopback now. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
}

function isFreeOfUdp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    socket.once("error", () => socket.close(() => resolve(false)));
    socket.bind({ port, address: "127.0.0.1", exclusive: true }, () => socket.close(() => resolve(true)));
  });
}
