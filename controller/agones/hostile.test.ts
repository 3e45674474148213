import { once } from "node:events";
import { connect as connectHttp2, type ClientHttp2Session } from "node:http2";
import { connect, type Socket } from "node:net";
import pino from "pino";
import { type Clock, systemClock } from "../../protocol/clock";
import { VirtualClock } from "../../protocol/virtual-clock";
import { BackendDouble, serverSample } from "../api/backend-double";
import { Tokens } from "../tokens";
import { startAllocatorService, type AllocatorOptions, type AllocatorService } from "./allocator-service";
import { AllocationClient, encoded, framed } from "./testing/allocation-client";

/** What anybody may send to the allocation service: clear refusals, bounds, and those who ask properly are served on. */
const ALLOCATE = "/allocation.AllocationService/Allocate";
const FLEET = { gameServerSelectors: [{ matchLabels: { "agones.dev/fleet": "arena" } }] };
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const NO_SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

let service: AllocatorService;
let honest: AllocationClient;
const sockets: Socket[] = [];
const sessions: ClientHttp2Session[] = [];

async function start(
  limits: AllocatorOptions["limits"] = {},
  helloMs = 60_000,
  firstCallMs = 60_000,
  clock: Clock = systemClock,
): Promise<void> {
  const backend = new BackendDouble().when("allocateServer", () => ({
    ok: true,
    value: serverSample({ state: "allocated" }),
  }));
  const tokens = new Tokens("a key of one run, for tests only, long enough", systemClock);
  const deps = { backend, tokens, token: () => "", clock, log: pino({ level: "silent" }) };
  service = await startAllocatorService(
    { host: "127.0.0.1", port: 0, auth: { kind: "none" }, limits, helloMs, firstCallMs },
    deps,
  );
  honest = await AllocationClient.connect(`http://127.0.0.1:${service.port}`);
}

/** As before: who is connected is served, who comes anew too, and nothing is left of the others. */
afterEach(async () => {
  for (const session of sessions.splice(0)) session.destroy();
  for (const socket of sockets.splice(0)) socket.destroy();
  expect((await honest.allocate(FLEET)).status).toBe(0);
  await until(() => service.load().connections === 1);
  await until(() => JSON.stringify(service.load()) === JSON.stringify(IDLE));
  await honest.close();
  await service.close();
});

const IDLE = { arriving: 0, heldBytes: 0, underWay: 0, connections: 1 };

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

async function open(): Promise<Socket> {
  const socket = connect(service.port, "127.0.0.1").on("error", () => undefined);
  sockets.push(socket);
  await once(socket, "connect");
  return socket;
}

function session(): ClientHttp2Session {
  const opened = connectHttp2(`http://127.0.0.1:${service.port}`).on("error", () => undefined);
  sessions.push(opened);
  return opened;
}

function call(on: ClientHttp2Session) {
  const headers = { ":method": "POST", ":path": ALLOCATE, "content-type": "application/grpc", te: "trailers" };
  return on.request(headers).on("error", () => undefined);
}

it("serves on while 1,200 connections say nothing, or only that they speak HTTP/2", async () => {
  await start();
  for (let batch = 0; batch < 12; batch++) {
    const opened = await Promise.all(Array.from({ length: 100 }, open));
    if (batch % 2 === 1) for (const socket of opened) socket.write(Buffer.concat([Buffer.from(PREFACE), NO_SETTINGS]));
    expect((await honest.allocate(FLEET)).status).toBe(0);
  }
  await until(() => service.load().connections === 1201);
});

it("ends connections that say nothing, and heads that come in drops", async () => {
  await start({}, 200);
  const [silent, slow] = [await open(), await open()];
  slow.write("POST /gameserverallocation HTTP/1.1\r\nhost: x\r\n");
  const drops = setInterval(() => slow.write("a: b\r\n"), 20);
  // A drop that it sends after the end is an error of its own, which `once` would take for the test's.
  const closed = [silent, slow].map((socket) => new Promise((resolve) => socket.resume().once("close", resolve)));
  await Promise.all(closed);
  clearInterval(drops);
});

it("ends a session whose frame was wrong and whose client has gone, which Node does not hear of", async () => {
  await start({}, 60_000, 1500);
  expect((await honest.allocate(FLEET)).status).toBe(0);
  const broken = await open();
  const longPing = Buffer.from([0, 0, 0x10, 6, 0, 0, 0, 0, 0]);
  broken.write(Buffer.concat([Buffer.from(PREFACE), NO_SETTINGS, longPing, Buffer.from("ab")]));
  await once(broken, "data");
  broken.destroy();
  await until(() => service.load().connections === 1);
});

it("lets no call that is never sent whole take the place of one that is, and ends it in time", async () => {
  const clock = new VirtualClock();
  await start({ bodyMs: 1500 }, undefined, undefined, clock);
  const calls = Array.from({ length: 10 }, session).flatMap((on) => Array.from({ length: 210 }, () => call(on)));
  const answers = calls.map(async (stream) => {
    stream.write(framed(encoded(FLEET)).subarray(0, 7));
    const [headers] = (await once(stream, "response")) as [Record<string, string>];
    return headers["grpc-status"];
  });
  await until(() => service.load().arriving === 2100);
  expect((await honest.allocate(FLEET)).status).toBe(0);
  clock.advance(1500);
  expect(new Set(await Promise.all(answers))).toEqual(new Set(["4"]));
});

it("holds so many bytes and bodies of all callers together, and no more", async () => {
  await start({ heldBytes: 100_000, arriving: 4 });
  const on = session();
  const held = Array.from({ length: 4 }, () => call(on));
  for (const stream of held) stream.write(Buffer.alloc(20_000));
  await until(() => service.load().heldBytes === 80_000);
  expect(await honest.allocate(FLEET)).toMatchObject({ status: 14 });
  held[0]?.close();
  await until(() => service.load().arriving === 3);
  expect(await honest.send(ALLOCATE, framed(Buffer.alloc(60_000)))).toMatchObject({ status: 8 });
});

it.each([
  ["a giant length", framed(encoded(FLEET)).fill(0xff, 1, 5), 13],
  ["a message that breaks off", framed(encoded(FLEET)).subarray(0, 12), 13],
  ["two messages", Buffer.concat([framed(encoded(FLEET)), framed(encoded(FLEET))]), 13],
  ["a compressed one", framed(encoded(FLEET), 1), 12],
  ["another flag", framed(encoded(FLEET), 0x7f), 12],
  ["half a prefix", Buffer.alloc(3), 13],
  ["nothing", Buffer.alloc(0), 13],
])("refuses %s", async (_what, bytes, status) => {
  await start();
  expect((await honest.send(ALLOCATE, bytes)).status).toBe(status);
});

it("answers also where a refusal is cut within a character", async () => {
  await start();
  for (const pad of ["", "x"]) {
    const label = pad + "😀".repeat(3000);
    for (const request of [
      { gameServerSelectors: [{ matchLabels: { [label]: label } }] },
      { ...FLEET, metadata: { labels: { [label]: label } } },
      { ...FLEET, counters: { [label]: { action: label } } },
      { ...FLEET, namespace: label },
    ])
      expect([0, 3, 8]).toContain((await honest.allocate(request)).status);
    expect((await honest.send(`/${"n".repeat(3000)}`, framed(encoded(FLEET)))).status).toBe(12);
  }
});
