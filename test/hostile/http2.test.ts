import { once } from "node:events";
import { connect as connectHttp2, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import { connect, type Socket } from "node:net";
import * as fc from "fast-check";
import { GATE_LIMITS } from "../../agent/gate/limits";
import { recordFigure } from "../records";
import { skipUnless } from "../skips";
import { FLAG, frame, grpcHeaders, HELLO, TYPE } from "./http2-frames";
import { FLOODS, type Flood } from "./http2-floods";
import { Victim } from "./victim";

/** How many connections of random frames each port gets; FORGE_TEST_SEED says which. */
const RUNS = Number(process.env.FORGE_FUZZ_RUNS ?? "100");
/** What a port's program may hold in memory beyond what it began with, in MiB; its caches and garbage are in it. */
const ROOM_MIB = 150;
/** Ends what Node leaves behind, in milliseconds, and not an honest caller who has no turn for some seconds. */
const IDLE_MS = 10_000;

jest.setTimeout(RUNS * 200 + 60_000);

skipUnless(
  "a process's sockets",
  "it needs Linux's /proc",
  process.platform === "linux",
)("hostile HTTP/2", () => {
  describe.each([
    ["the gate's port for Agones' SDK", () => Victim.gate({ grpcIdleMs: IDLE_MS, connectionsPerServer: 1000 })],
    ["the allocation service", () => Victim.allocator({ firstCallMs: IDLE_MS, idleMs: IDLE_MS })],
  ])("%s", (_port, start) => {
    let victim: Victim;
    let memory: number;
    let sockets: number;

    beforeAll(async () => {
      victim = await start();
      sockets = victim.sockets;
      const first = await victim.connect(victim.port);
      await victim.serves(first);
      await first.close();
      memory = victim.residentMiB;
    });
    afterAll(() => victim.stop());

    /** Serves somebody throughout, and afterwards whoever comes to the same port. */
    async function under(attack: (serves: () => Promise<void>) => Promise<unknown>): Promise<void> {
      const honest = await victim.connect(victim.honestPort);
      await attack(() => victim.serves(honest));
      await victim.serves(honest);
      await honest.close();
      const afterwards = await victim.connect(victim.port);
      await victim.serves(afterwards);
      await afterwards.close();
      expect(victim.complaints).toBe("");
      expect(victim.alive).toBe(true);
      expect(victim.residentMiB - memory).toBeLessThan(ROOM_MIB);
    }

    test.each(FLOODS)("goes on under $name", (flood) =>
      under((serves) => Promise.all([1, 2, 3].map(() => attack(flood, victim, serves)))),
    );

    test("goes on under any frames", () =>
      under((serves) =>
        fc.assert(
          fc.asyncProperty(frames(victim.path), async (bytes) => {
            const socket = await open(victim.port);
            socket.write(Buffer.concat([HELLO, ...bytes]));
            await serves();
            socket.destroy();
          }),
          { numRuns: RUNS },
        ),
      ));

    test("keeps none of their connections", async () => {
      while (victim.alive && victim.sockets > sockets) await new Promise((resolve) => setTimeout(resolve, 20));
      expect(victim.alive).toBe(true);
      recordFigure("memory before and after", `${memory.toFixed(0)} and ${victim.residentMiB.toFixed(0)}`, "MiB");
    });
  });

  test("a game server that never ends what it sends fills no more of the gate than its bound", async () => {
    const victim = await Victim.gate({});
    const honest = await victim.connect(victim.honestPort);
    await victim.serves(honest);
    const memory = victim.residentMiB;
    const sessions = Array.from({ length: 10 }, () => connectHttp2(`http://127.0.0.1:${victim.port}`));
    let refused = 0;
    for (const session of sessions) {
      session.on("error", () => undefined);
      for (let call = 0; call < 60; call++) almostSend(session, victim.path).once("close", () => (refused += 1));
    }
    while (refused < 10 * 60 - GATE_LIMITS.arrivingCalls) await victim.serves(honest);
    expect(victim.residentMiB - memory).toBeLessThan(ROOM_MIB);
    for (const session of sessions) session.destroy();
    await honest.close();
    await victim.stop();
  });
});

/** Sends all but the last bytes of a message of half a mebibyte. */
function almostSend(session: ClientHttp2Session, path: string): ClientHttp2Stream {
  const message = Buffer.alloc(500_000);
  message.writeUInt32BE(510_000, 1);
  const headers = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
  const call = session.request(headers).on("error", () => undefined);
  call.write(message);
  return call;
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1").on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

/** Sends as much as is taken, with somebody else served between. A peer that hangs up has defended itself. */
async function attack(flood: Flood, { port, path }: Victim, serves: () => Promise<void>): Promise<void> {
  const socket = await open(port);
  if (flood.reads) socket.resume();
  socket.write(HELLO);
  for (const chunk of flood.chunks(path)) {
    if (!socket.writable) break;
    socket.write(chunk);
    await serves();
  }
  socket.destroy();
}

/** Frames as they may be and as they may not: any type, flags and stream, lengths that lie, cut anywhere. */
function frames(path: string): fc.Arbitrary<Buffer[]> {
  const streamId = fc.oneof(fc.constantFrom(0, 1, 3, 5, 2, 2 ** 31 - 1, 2 ** 31 + 1), fc.nat(2 ** 32 - 1));
  const payload = fc.oneof(
    fc.constant(grpcHeaders(path)),
    fc.constant(Buffer.from([0, 0, 0, 0, 0])),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  );
  const flags = fc.oneof(fc.constantFrom(0, FLAG.endHeaders, FLAG.endHeaders | FLAG.endStream), fc.nat(255));
  const type = fc.oneof(fc.constantFrom(...Object.values(TYPE)), fc.nat(255));
  const length = fc.option(fc.nat(2 ** 24 - 1), { nil: undefined, freq: 8 });
  const cut = fc.option(fc.nat(40), { nil: undefined, freq: 8 });
  const one = fc
    .record({ type, flags, streamId, payload, length, cut })
    .map((of) => frame(of.type, of.flags, of.streamId, of.payload, of.length).subarray(0, of.cut));
  return fc.array(one, { minLength: 1, maxLength: 12 });
}
