import { once } from "node:events";
import { connect, type TLSSocket } from "node:tls";

/** TEST DOUBLE of a Mumble client that says who it is and stays; two messages of its protocol, written from its documentation. */
export async function joinMumble(port: number, name: string): Promise<TLSSocket> {
  const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false });
  await once(socket, "secureConnect");
  socket.resume();
  socket.on("error", () => undefined);
  const version = Buffer.from([0x08, 0x80, 0x86, 0x04]); // 1.3.0
  const who = Buffer.concat([Buffer.from([0x0a, name.length]), Buffer.from(name)]);
  for (const [type, body] of [
    [0, version],
    [2, who],
  ] as const) {
    const head = Buffer.alloc(6);
    head.writeUInt16BE(type, 0);
    head.writeUInt32BE(body.length, 2);
    socket.write(Buffer.concat([head, body]));
  }
  return socket;
}
