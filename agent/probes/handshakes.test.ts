import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer as createHttp } from "node:http";
import { createServer, type AddressInfo, type Server } from "node:net";
import { WebSocketServer } from "ws";
import { systemClock } from "../../protocol/clock";
import type { ReachHow } from "../../protocol/messages";
import { Handshakes } from "./handshakes";

const opened: { close(): void }[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});

async function listening(server: Server): Promise<number> {
  opened.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
const handshakes = new Handshakes({ clock: systemClock });
const reach = (port: number, how: ReachHow, timeoutMs = 3000) =>
  handshakes.reach({ address: "localhost", port, how, timeoutMs });

test("a TCP server is reached, and one that has gone is not", async () => {
  const server = createServer((socket) => socket.destroy());
  const port = await listening(server);
  expect(await reach(port, { kind: "tcp" })).toBeNull();
  server.close();
  await once(server, "close");
  expect(await reach(port, { kind: "tcp" })).toMatchObject({
    code: "unreachable",
    detail: expect.stringContaining("ECONNREFUSED"),
  });
});

test("any answer of an HTTP server will do", async () => {
  const port = await listening(createHttp((_, response) => response.writeHead(401).end()));
  expect(await reach(port, { kind: "http" })).toBeNull();
});

test("a WebSocket server shakes hands, and one that hangs does not in time", async () => {
  const server = createHttp();
  const sockets = new WebSocketServer({ server });
  const port = await listening(server);
  const met = once(sockets, "connection");
  expect(await reach(port, { kind: "ws" })).toBeNull();
  await met;
  const silent = createServer();
  silent.on("connection", (socket) => void opened.push({ close: () => socket.destroy() }));
  expect(await reach(await listening(silent), { kind: "ws" }, 100)).toMatchObject({
    code: "unreachable",
    detail: expect.stringContaining("no answer within 100 ms"),
  });
});

test("a UDP server is reached by its query protocol", async () => {
  const socket = createSocket("udp4");
  opened.push(socket);
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const status = Buffer.from('\xff\xff\xff\xffstatusResponse\n\\sv_hostname\\a\\mapname\\b\n0 20 "ann"\n', "latin1");
  socket.on("message", (_, { port, address }) => socket.send(status, port, address));
  expect(await reach(socket.address().port, { kind: "query", protocol: "quake3" })).toBeNull();
});

test("no more than 32 are under way at once", async () => {
  const server = createServer();
  server.on("connection", (socket) => void opened.push({ close: () => socket.destroy() }));
  const port = await listening(server);
  const answers = await Promise.all(Array.from({ length: 33 }, () => reach(port, { kind: "http" }, 200)));
  expect(answers.map((answer) => answer?.code).filter((code) => code === "replaying")).toHaveLength(1);
});
