import { connect, type Socket } from "node:net";
import { VirtualClock } from "../../protocol/virtual-clock";
import type { Gate } from "./gate";
import { newGate, sdkCall, TestAgent, TestStream } from "./test-agent";

let gate: Gate;
let agent: TestAgent;
let clock: VirtualClock;
let port: number;

beforeEach(async () => {
  clock = new VirtualClock();
  gate = newGate(clock);
  agent = new TestAgent(gate);
  port = await agent.open("a");
});
afterEach(() => gate.stop());

function push(event: string, data: unknown): void {
  agent.channel.send({ type: "push", serverId: "a", event, data });
}

/** A turn for everything that is on its way in this process. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe("GET /v1/watch", () => {
  test("tells the agent of each stream's begin and end, with how many are left", async () => {
    const first = await TestStream.open(port);
    const second = await TestStream.open(port);
    await first.close();
    await agent.hears("streamEnded", ({ streams }) => streams === 1);
    await second.close();
    await agent.hears("streamEnded", ({ streams }) => streams === 0);
    const counts = agent.heard.filter(({ type }) => type === "streamOpened" || type === "streamEnded");
    expect(counts).toEqual([
      { type: "streamOpened", serverId: "a", streams: 1 },
      { type: "streamOpened", serverId: "a", streams: 2 },
      { type: "streamEnded", serverId: "a", streams: 1 },
      { type: "streamEnded", serverId: "a", streams: 0 },
    ]);
  });

  test("every event reaches every stream of that server in order, and no other", async () => {
    const otherPort = await agent.open("b");
    const streams = [await TestStream.open(port), await TestStream.open(port)];
    const other = await TestStream.open(otherPort, "token-b");
    push("draining", { deadline: 12, reason: "scale\ndown" });
    push("peers", { role: "ai", addresses: ["127.0.0.1:1"] });
    push("stopping", { graceMs: 5 });
    for (const stream of streams) {
      await stream.reads("event: stopping");
      const events = stream.text.replace(/^: .*\n\n/gm, "");
      expect(events).toBe(
        'event: draining\ndata: {"deadline":12,"reason":"scale\\ndown"}\n\n' +
          'event: peers\ndata: {"role":"ai","addresses":["127.0.0.1:1"]}\n\n' +
          'event: stopping\ndata: {"graceMs":5}\n\n',
      );
    }
    await settle();
    expect(other.text).toBe(": watching\n\n");
  });

  test("a new stream begins with the newest state, and with nothing else of before", async () => {
    push("gameserver", { state: "starting" });
    push("gameserver", { state: "ready" });
    push("draining", { deadline: 1 });
    const stream = await TestStream.open(port);
    await stream.reads('event: gameserver\ndata: {"state":"ready"}\n\n');
    expect(stream.text).not.toContain("starting");
    expect(stream.text).not.toContain("draining");
  });

  test("a heartbeat every 10 s", async () => {
    const stream = await TestStream.open(port);
    clock.advance(9_999);
    await settle();
    expect(stream.text).not.toContain("heartbeat");
    clock.advance(20_001);
    await stream.reads(": heartbeat\n\n: heartbeat\n\n: heartbeat\n\n");
  });

  test("streams leave room for calls", async () => {
    const streams = await Promise.all(Array.from({ length: 16 }, () => TestStream.open(port)));
    expect(await sdkCall(port, "GET", "/v1/watch")).toMatchObject({ status: 429, body: { code: "tooManyStreams" } });
    expect(await sdkCall(port, "GET", "/v1/players")).toMatchObject({ status: 200 });
    await streams[0]?.close();
    await agent.hears("streamEnded");
    await (await TestStream.open(port)).reads("watching");
  });

  test("survives its agent; what is pushed after comes through", async () => {
    const stream = await TestStream.open(port);
    await agent.leave();
    clock.advance(60_000);
    agent = new TestAgent(gate);
    push("stopping", { graceMs: 1 });
    await stream.reads("event: stopping");
  });
});

test("the largest state to be restored is brought, and what comes at once after it", async () => {
  // 256 KiB, six bytes of JSON each.
  const data = "\u0001".repeat(256 * 1024);
  const stream = await TestStream.open(port);
  push("gameserver", { serverId: "a", restore: { data, ageMs: 1 } });
  push("moved", { playerIds: ["p"], reason: "r" });
  await Promise.race([stream.reads("event: moved"), stream.ended]);
  expect(stream.text).toContain(JSON.stringify(data));
  expect(stream.text).toContain("event: moved");
});

describe("a reader that does not read", () => {
  let reader: Socket;
  beforeEach(async () => {
    reader = connect(port, "127.0.0.1");
    reader.on("error", () => undefined);
    reader.pause();
    reader.write("GET /v1/watch HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer token-a\r\n\r\n");
    await agent.hears("streamOpened");
  });
  afterEach(() => void reader.destroy());

  test("is dropped before much waits for it; one that reads gets everything", async () => {
    const good = await TestStream.open(port);
    let dropped = false;
    void agent.hears("streamEnded").then(() => (dropped = true));
    let sent = 0;
    // In waves that the good reader follows; 64 MB is far beyond what kernel and gate may keep for the other.
    while (!dropped && sent < 8_000) {
      good.text = "";
      for (let n = 0; n < 50; n++) push("moved", { playerIds: [`p${sent++}`], reason: "x".repeat(8_000) });
      await good.reads(`event: moved\ndata: {"playerIds":["p${sent - 1}"]`);
      expect(good.text.match(/event: moved/g)).toHaveLength(50);
    }
    expect(dropped).toBe(true);
    expect(agent.heard.filter(({ type }) => type === "streamEnded")).toEqual([
      { type: "streamEnded", serverId: "a", streams: 1 },
    ]);
  });

  test("is kept where only state waits, and then gets the newest", async () => {
    const last = 5_000;
    for (let n = 1; n <= last; n++) {
      push("gameserver", { n, padding: "x".repeat(8_000) });
      if (n % 100 === 0) await settle();
    }
    let text = "";
    const newest = new Promise<void>((resolve) => {
      reader.on("data", (chunk) => {
        text = (text + chunk.toString()).slice(-20_000);
        if (text.includes(`{"n":${last},`)) resolve();
      });
    });
    reader.resume();
    await newest;
    expect(agent.heard.filter(({ type }) => type === "streamEnded")).toEqual([]);
  });
});
