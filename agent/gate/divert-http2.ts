import type { Server } from "node:http";
import type { Socket } from "node:net";

/** What every HTTP/2 client sends first (RFC 9113, 3.4). */
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n");

/**
 * Lets one port serve HTTP/1 and, to `take`, HTTP/2 without TLS: the first bytes of a connection tell. The server's own
 * bounds on connections hold for both.
 *
 * @param waitMs how long a connection may say nothing at first
 */
export function divertHttp2(http: Server, waitMs: number, take: (socket: Socket) => void): void {
  const [serveHttp1] = http.listeners("connection");
  http.removeAllListeners("connection");
  http.on("connection", (socket: Socket) => {
    const ended = (): void => void socket.destroy();
    socket.setTimeout(waitMs, ended);
    socket.on("error", ended);
    const look = (): void => {
      const start = socket.read() as Buffer | null;
      if (start === null) return void socket.once("readable", look);
      socket.off("readable", look);
      socket.unshift(start);
      const isHttp2 = start.length >= 3 && PREFACE.subarray(0, start.length).equals(start.subarray(0, PREFACE.length));
      socket.setTimeout(0);
      socket.off("timeout", ended);
      if (isHttp2) return take(socket);
      serveHttp1?.call(http, socket);
    };
    socket.once("readable", look);
    socket.once("end", ended);
  });
}
