import { createSocket } from "node:dgram";
import { isIPv6 } from "node:net";

/** First bytes of every packet of Minetest and Luanti. */
const PROTOCOL_ID = Buffer.from([0x4f, 0x45, 0x74, 0x03]);
/** From nobody yet, channel 0, an empty packet of type ORIGINAL: a server answers it by giving us a peer id. */
const HELLO = Buffer.concat([PROTOCOL_ID, Buffer.from([0x00, 0x00, 0x00, 0x01])]);
const PEER_ID_AT = 12;
const ANSWER_BYTES = 14;
/** UDP may lose it. */
const REPEAT_MS = 500;

/**
 * Asks a Minetest or Luanti server on its game port whether it takes connections, as their own server list does: there
 * is no query protocol that tells the players. Says goodbye at once, so that no player slot is held.
 *
 * @param later calls a function after some milliseconds, and returns what stops that
 * @throws {Error} when `signal` aborts before an answer
 */
export async function pingLuanti(
  host: string,
  port: number,
  signal: AbortSignal,
  later: (ms: number, run: () => void) => () => void,
): Promise<void> {
  signal.throwIfAborted();
  const socket = createSocket(isIPv6(host) ? "udp6" : "udp4");
  let stopRepeating = (): void => undefined;
  let giveUp = (): void => undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      giveUp = () => reject(signal.reason instanceof Error ? signal.reason : new Error("stopped"));
      signal.addEventListener("abort", giveUp, { once: true });
      socket.on("error", reject);
      socket.on("message", (answer) => {
        if (answer.length < ANSWER_BYTES || !answer.subarray(0, 4).equals(PROTOCOL_ID)) return;
        socket.send(goodbye(answer.subarray(PEER_ID_AT, ANSWER_BYTES)), () => resolve());
      });
      const ask = (): void => {
        socket.send(HELLO);
        stopRepeating = later(REPEAT_MS, ask);
      };
      // A connected socket hears only this server, and that its port is closed.
      socket.connect(port, host, ask);
    });
  } finally {
    stopRepeating();
    signal.removeEventListener("abort", giveUp);
    socket.close();
  }
}

/** A control packet of type DISCO. */
function goodbye(peerId: Buffer): Buffer {
  return Buffer.concat([PROTOCOL_ID, peerId, Buffer.from([0x00, 0x00, 0x03])]);
}
