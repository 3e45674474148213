import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Channel } from "./channel";
import { systemClock } from "./clock";
import { agentCodec, controllerCodec } from "./codec";
import { listenHandshake } from "./handshake";
import type { FromAgent, FromController } from "./messages";
import { socketChannel } from "./socket-channel";
import { dialSocket, type DialledLine } from "./socket-dialler";
import { VirtualClock } from "./virtual-clock";

const secret = "a-secret-of-these-tests";
const folder = mkdtempSync(join(tmpdir(), "forge-dialler-"));
const open: { close(): unknown }[] = [];
let files = 0;

afterEach(() => {
  for (const one of open.splice(0).reverse()) one.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type AgentEnd = Channel<FromAgent, FromController>;

/** A controller's process: connections are taken by its system, and answered only when it gets to it. */
class Host {
  readonly path = join(folder, `${++files}.sock`);
  private readonly server: Server = createServer((socket) => this.sockets.push(socket.on("error", () => undefined)));
  readonly sockets: Socket[] = [];

  async listen(): Promise<void> {
    this.server.listen(this.path);
    await once(this.server, "listening");
    open.push({ close: () => this.close() });
  }

  /** The next connection, not answered yet. */
  async taken(nth: number): Promise<Socket> {
    while (this.sockets.length < nth) await once(this.server, "connection");
    return this.sockets[nth - 1] as Socket;
  }

  async answer(nth: number): Promise<Channel<FromController, FromAgent>> {
    const socket = await this.taken(nth);
    return new Promise((resolve, reject) => {
      listenHandshake(
        socket,
        { secret, clock: systemClock },
        {
          done: (reader) => resolve(socketChannel(socket, controllerCodec, { clock: systemClock, reader })),
          failed: reject,
        },
      );
    });
  }

  /** Nobody takes connections any more; those that stand go on. */
  leave(): void {
    this.server.close();
    rmSync(this.path, { force: true });
  }

  private close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}

/** An agent connected to a host, over its first connection. */
async function connected() {
  const host = new Host();
  await host.listen();
  const clock = new VirtualClock();
  const streams: { readonly channel: AgentEnd; readonly line: DialledLine }[] = [];
  let another: () => void = () => undefined;
  const failures: string[] = [];
  const options = { codec: agentCodec, secret, clock, random: () => 0, onFailure: (why: string) => failures.push(why) };
  const dialling = dialSocket<FromAgent, FromController>(host.path, options, (channel, line) => {
    streams.push({ channel, line });
    another();
  });
  open.push(dialling);
  const stream = async (nth: number) => {
    while (streams.length < nth) await new Promise<void>((resolve) => (another = resolve));
    return streams[nth - 1] as (typeof streams)[number];
  };
  const theirs = await host.answer(1);
  const first = await stream(1);
  return { host, clock, dialling, failures, first, theirs, stream, streams };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const closeOf = (channel: { onClose(listener: (reason: string) => void): void }): Promise<string> =>
  new Promise((resolve) => channel.onClose(resolve));

test("a stream that is silent stays while another is dialled beside it, and goes on once something is heard", async () => {
  const { host, clock, first, theirs, streams } = await connected();
  first.line.silent(3000);
  const beside = await host.taken(2);
  clock.advance(4000);
  await turn();
  expect(first.channel.closed).toBe(false);
  const ended = once(beside.resume(), "close");
  first.line.heard();
  await ended;
  const got = new Promise((resolve) => theirs.onMessage(resolve));
  first.channel.send({ type: "ping", atMs: 1 });
  expect(await got).toEqual({ type: "ping", atMs: 1 });
  clock.advance(60_000);
  expect(streams).toHaveLength(1);
  expect(host.sockets).toHaveLength(2);
});

test("another that is answered takes the place of a silent one", async () => {
  const { host, first, theirs, stream } = await connected();
  first.line.silent(3000);
  const ended = closeOf(theirs);
  const second = await Promise.all([stream(2), host.answer(2)]);
  expect(await closeOf(first.channel)).toBe("another connection has taken its place");
  await ended;
  expect(second[0].channel.closed).toBe(false);
  // What is told of the one that went is about nothing any more.
  first.line.silent(6000);
  first.line.heard();
  expect(second[0].channel.closed).toBe(false);
});

test("a silent one is closed where nobody takes another, and it is tried again", async () => {
  const { host, clock, first, failures, stream } = await connected();
  host.leave();
  first.line.silent(3000);
  expect(await closeOf(first.channel)).toMatch(
    "nothing is heard, and another connection came to nothing: connect ENOENT",
  );
  expect(failures).toEqual(["nothing heard for 3000 ms", expect.stringContaining("ENOENT")]);
  const back = new Host();
  Object.assign(back, { path: host.path });
  await back.listen();
  clock.advance(2000);
  await back.answer(1);
  await stream(2);
});

test("a silent one that is lost while another waits for its answer leaves the place to that", async () => {
  const { host, first, stream, theirs } = await connected();
  first.line.silent(3000);
  await host.taken(2);
  theirs.close("gone");
  await closeOf(first.channel);
  await Promise.all([stream(2), host.answer(2)]);
  expect(host.sockets).toHaveLength(2);
});

test("an end of dialling ends what is beside as well", async () => {
  const { host, dialling, first } = await connected();
  first.line.silent(3000);
  const beside = await host.taken(2);
  const ended = once(beside.resume(), "close");
  dialling.close();
  expect(await closeOf(first.channel)).toBe("closed");
  await ended;
});
