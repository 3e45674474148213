import { once } from "node:events";
import { linkSync, mkdtempSync, rmSync } from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Address } from "./address";
import type { Channel } from "./channel";
import { systemClock } from "./clock";
import { agentCodec, controllerCodec } from "./codec";
import type { SharedSecret } from "./handshake";
import type { FromAgent, FromController } from "./messages";
import { socketChannel } from "./socket-channel";
import { dialSocket, type Dialling } from "./socket-dialler";
import { listenSocket, type ChannelListener } from "./socket-listener";
import { VirtualClock } from "./virtual-clock";

type ControllerEnd = Channel<FromController, FromAgent>;
type AgentEnd = Channel<FromAgent, FromController>;

const SECRET = "a-secret-of-these-tests";
const folder = mkdtempSync(join(tmpdir(), "forge-socket-"));
const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A controller that listens; `next` is the channel of the next agent that proves itself. */
async function listen(address: Address = { host: "127.0.0.1", port: 0 }, clock = systemClock) {
  const accepted = queue<ControllerEnd>();
  const refused = queue<string>();
  const listener: ChannelListener = await listenSocket(
    address,
    { codec: controllerCodec, secret: SECRET, clock, onRefused: refused.put },
    accepted.put,
  );
  open.push(listener);
  return { address: listener.address, listener, next: accepted.take, nextRefused: refused.take };
}

function dial(address: Address, secret: SharedSecret = SECRET, clock = systemClock) {
  const connected = queue<AgentEnd>();
  const failed = queue<string>();
  const dialling: Dialling = dialSocket(
    address,
    { codec: agentCodec, secret, clock, random: () => 0, onFailure: failed.put },
    connected.put,
  );
  open.push(dialling);
  return { dialling, next: connected.take, nextFailure: failed.take };
}

/** A client without any manners. */
async function raw(address: Address): Promise<Socket> {
  const socket = createConnection(typeof address === "string" ? { path: address } : address);
  open.push({ close: () => socket.destroy() });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

function queue<Item>() {
  const items: Item[] = [];
  const takers: ((item: Item) => void)[] = [];
  return {
    put: (item: Item): void => {
      const taker = takers.shift();
      if (taker) taker(item);
      else items.push(item);
    },
    take: (): Promise<Item> =>
      new Promise((resolve) => {
        const item = items.shift();
        if (item === undefined) takers.push(resolve);
        else resolve(item);
      }),
  };
}

function closeOf(channel: { onClose(listener: (reason: string) => void): void }): Promise<string> {
  return new Promise((resolve) => channel.onClose(resolve));
}

function messages<In>(channel: Channel<never, In>, count: number): Promise<In[]> {
  return new Promise((resolve) => {
    const got: In[] = [];
    channel.onMessage((message) => {
      if (got.push(message) === count) resolve(got);
    });
  });
}

const ping = (atMs: number) => ({ type: "ping", atMs }) as const;

test.each([
  ["TCP", { host: "127.0.0.1", port: 0 }],
  ["a Unix socket", join(folder, "both-ways.sock")],
])("messages go both ways in order over %s", async (_what, where) => {
  const { address, next } = await listen(where);
  const agent = await dial(address).next();
  for (let i = 0; i < 500; i++) agent.send(ping(i));
  const controller = await next();
  expect(await messages(controller, 500)).toEqual(Array.from({ length: 500 }, (_, i) => ping(i)));
  controller.send(ping(1));
  expect(await messages(agent, 1)).toEqual([ping(1)]);
});

test("what was sent before a close still arrives, and both sides learn of it", async () => {
  const { address, next } = await listen();
  const agent = await dial(address).next();
  const controller = await next();
  controller.send({ type: "refused", code: "region", detail: "elsewhere" });
  controller.close("refused");
  expect(await messages(agent, 1)).toEqual([{ type: "refused", code: "region", detail: "elsewhere" }]);
  expect(await closeOf(agent)).toBe("the other side closed the connection");
  expect(await closeOf(controller)).toBe("refused");
  expect(controller.send(ping(1))).toBe(false);
});

test("a dialler connects again when the connection is lost, and to a listener that comes late", async () => {
  const path = join(folder, "late.sock");
  const agent = dial(path);
  await agent.nextFailure();
  const { next } = await listen(path);
  await agent.next();
  (await next()).close("lost");
  await agent.next();
  expect((await next()).closed).toBe(false);
});

test("a secret that differs is refused on both sides", async () => {
  const { address, nextRefused } = await listen();
  const agent = dial(address, "another-secret-altogether");
  expect(await agent.nextFailure()).toBe("refused: wrong secret");
  expect(await nextRefused()).toBe("wrong secret");
});

test("while the secret is being changed, either side may be the first to have the new one", async () => {
  const both = (): readonly [string, string] => ["the-secret-that-is-new", SECRET];
  const { address, next } = await listen();
  // It shows the new one first, is refused, and shows the one before.
  const agent = dial(address, both);
  expect(await agent.nextFailure()).toBe("refused: wrong secret");
  await agent.next();
  await next();
  const changed = await listenSocket(
    { host: "127.0.0.1", port: 0 },
    { codec: controllerCodec, secret: both, clock: systemClock },
    () => undefined,
  );
  open.push(changed);
  await Promise.all([dial(changed.address).next(), dial(changed.address, "the-secret-that-is-new").next()]);
});

test("a listener that does not know the secret gets nothing", async () => {
  const impostor = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.write(`{"forge":1,"nonce":"${"n".repeat(24)}"}\n`);
    socket.once("data", () => socket.write(`{"mac":"${"m".repeat(43)}"}\n`));
  });
  open.push(impostor);
  impostor.listen(0, "127.0.0.1");
  await once(impostor, "listening");
  const { port } = impostor.address() as { port: number };
  expect(await dial({ host: "127.0.0.1", port }).nextFailure()).toBe("the other side does not know this run's secret");
});

test("a handshake of another version is refused, saying which", async () => {
  const { address, nextRefused } = await listen();
  const socket = await raw(address);
  socket.write(`{"forge":2,"nonce":"${"n".repeat(24)}","mac":""}\n`);
  expect(await nextRefused()).toMatch("handshake version 2, this side speaks 1");
});

test.each([
  ["garbage", "GET / HTTP/1.1\r\n\r\n"],
  ["an endless line", "x".repeat(5000)],
])("%s instead of a handshake ends the connection", async (_what, text) => {
  const { address, nextRefused } = await listen();
  const socket = await raw(address);
  const closed = once(socket, "close");
  socket.resume().write(text);
  expect(await nextRefused()).toMatch("no handshake");
  await closed;
});

test("one that connects and says nothing is sent away after 5 s", async () => {
  const clock = new VirtualClock();
  const { address, nextRefused } = await listen({ host: "127.0.0.1", port: 0 }, clock);
  const socket = await raw(address);
  await once(socket, "data");
  const closed = once(socket.resume(), "close");
  clock.advance(5000);
  expect(await nextRefused()).toBe("no answer within 5000 ms");
  await closed;
});

/** Two connected sockets, one of them with a channel. */
async function bare(): Promise<{ readonly channel: ControllerEnd; readonly peer: Socket }> {
  const server = createServer();
  open.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const peer = await raw({ host: "127.0.0.1", port: (server.address() as { port: number }).port });
  const [socket] = await accepted;
  open.push({ close: () => socket.destroy() });
  return { channel: socketChannel<FromController, FromAgent>(socket, controllerCodec, { clock: systemClock }), peer };
}

test("a message may come in any number of packets", async () => {
  const { channel, peer } = await bare();
  const got = messages(channel, 2);
  peer.setNoDelay(true);
  for (const byte of Buffer.from(`${JSON.stringify(ping(1))}\n${JSON.stringify(ping(2))}\n`)) {
    peer.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await got).toEqual([ping(1), ping(2)]);
});

test.each([
  ["garbage", "what?\n", "the other side sent a message of type none"],
  ["a message of the wrong side", '{"type":"welcome"}\n', 'the other side sent a message of type "welcome"'],
  ["a wrong shape", '{"type":"ping"}\n', "the other side sent a ping whose atMs is wrong"],
])("%s ends the connection, and says why", async (_what, text, reason) => {
  const { channel, peer } = await bare();
  const got: unknown[] = [];
  channel.onMessage((message) => got.push(message));
  peer.write(`${JSON.stringify(ping(1))}\n${text}${JSON.stringify(ping(2))}\n`);
  expect(await closeOf(channel)).toMatch(reason);
  expect(got).toEqual([ping(1)]);
});

test("a Unix socket left behind by a killed program is taken over; one in use is not", async () => {
  const path = join(folder, "leftover.sock");
  const first = await listen(path);
  await expect(listen(path)).rejects.toThrow(`cannot listen on ${path}`);
  await dial(path).next();
  await first.listener.close();
  const dead = createServer();
  dead.listen(path);
  await once(dead, "listening");
  // As a kill leaves it: the file is there, and nobody behind it. The link outlives the orderly end.
  const leftover = join(folder, "killed.sock");
  linkSync(path, leftover);
  dead.close();
  await once(dead, "close");
  const second = await listen(leftover);
  await dial(second.address).next();
});
