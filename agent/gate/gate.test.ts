import { request, type ClientRequest } from "node:http";
import fc from "fast-check";
import { systemClock } from "../../protocol/clock";
import { VirtualClock } from "../../protocol/virtual-clock";
import type { Gate } from "./gate";
import { newGate, sdkCall, TestAgent, TestStream } from "./test-agent";

let gate: Gate;
let agent: TestAgent;
let clock: VirtualClock;

beforeEach(() => {
  clock = new VirtualClock();
  gate = newGate(clock);
  agent = new TestAgent(gate);
});
afterEach(() => gate.stop());

const ROUTES: readonly (readonly [string, string, unknown])[] = [
  ["POST", "/v1/ready", {}],
  ["POST", "/v1/health", {}],
  ["POST", "/v1/shutdown", {}],
  ["POST", "/v1/reserve", { seconds: 30 }],
  ["GET", "/v1/gameserver", undefined],
  ["POST", "/v1/players/join", { ticket: "t" }],
  ["POST", "/v1/players/leave", { playerId: "ann" }],
  ["GET", "/v1/players", undefined],
  ["POST", "/v1/snapshot", { players: { ann: "ü" } }],
  ["POST", "/v1/stats", { responseMs: 1.5 }],
  ["PUT", "/v1/labels", { mode: null }],
  ["PUT", "/v1/annotations", { map: "de_dust" }],
];

describe("a call", () => {
  test.each(ROUTES)("%s %s reaches the agent and its answer comes back", async (method, path, body) => {
    const port = await agent.open("a");
    agent.answering = () => ({ status: 200, body: { said: "ok", for: path } });
    const answer = await sdkCall(port, method, path, { body });
    expect(answer).toMatchObject({ status: 200, body: { said: "ok", for: path } });
    expect(answer.headers["content-type"]).toBe("application/json");
    const sent = { type: "call", id: 1, serverId: "a", method, path, query: {}, body: body ?? {} };
    expect(agent.calls).toEqual([sent]);
  });

  test("the agent says what is unknown, as a problem", async () => {
    const port = await agent.open("a");
    agent.answering = () => ({ status: 404, body: { type: "about:blank", status: 404, code: "notFound" } });
    const answer = await sdkCall(port, "DELETE", "/v2/elsewhere?deep=1&deep=2&flat=");
    expect(answer).toMatchObject({ status: 404, body: { code: "notFound" } });
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(agent.calls[0]).toMatchObject({ method: "DELETE", path: "/v2/elsewhere", query: { deep: "2", flat: "" } });
  });

  test("an answer that may pass tells when to come again", async () => {
    const port = await agent.open("a");
    agent.answering = () => ({ status: 503, body: { code: "replaying", retryAfterSecs: 2.5 } });
    expect((await sdkCall(port, "GET", "/v1/players")).headers["retry-after"]).toBe("3");
  });

  test("calls of several servers do not mix", async () => {
    const ports = [await agent.open("a"), await agent.open("b"), await agent.open("c")];
    agent.answering = ({ serverId, body }) => ({ status: 200, body: { serverId, body } });
    const calls = ports.flatMap((port, index) =>
      [1, 2, 3, 4].map(async (n) => {
        const serverId = "abc"[index] as string;
        const answer = await sdkCall(port, "POST", "/v1/stats", { token: `token-${serverId}`, body: { n } });
        expect(answer.body).toEqual({ serverId, body: { n } });
      }),
    );
    await Promise.all(calls);
  });

  test("any JSON arrives as it was sent", async () => {
    const port = await agent.open("a");
    agent.answering = ({ body }) => ({ status: 200, body: { body } });
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ maxDepth: 4 }), async (body) => {
        const answer = await sdkCall(port, "POST", "/v1/snapshot", { body: JSON.stringify(body) });
        expect(answer.body).toEqual({ body: JSON.parse(JSON.stringify(body)) });
      }),
      { numRuns: 30 },
    );
  });
});

describe("what is refused", () => {
  test.each([
    ["no token", ""],
    ["a wrong token", "token-b"],
    ["a token that begins right", "token-"],
    ["a token with more behind it", "token-a-and-more"],
  ])("%s", async (_name, token) => {
    const port = await agent.open("a");
    for (const path of ["/v1/ready", "/v1/watch"]) {
      const answer = await sdkCall(port, path === "/v1/watch" ? "GET" : "POST", path, { token });
      expect(answer).toMatchObject({ status: 401, body: { status: 401, code: "unauthorized" } });
      expect(answer.headers["www-authenticate"]).toBe("Bearer");
    }
    expect(agent.calls).toEqual([]);
  });

  test("the token of another server of the same node", async () => {
    const portA = await agent.open("a");
    const portB = await agent.open("b");
    expect(await sdkCall(portB, "GET", "/v1/players", { token: "token-a" })).toMatchObject({ status: 401 });
    expect(await sdkCall(portA, "GET", "/v1/players", { token: "token-a" })).toMatchObject({ status: 200 });
  });

  test.each([
    ["text", "hello"],
    ["half an object", '{"ticket": '],
    ["bytes that are no UTF-8", Buffer.from([0x22, 0xff, 0x22])],
    ["a very deep array", "[".repeat(65) + "]".repeat(65)],
  ])("a body that is %s", async (_name, body) => {
    const port = await agent.open("a");
    expect(await sdkCall(port, "POST", "/v1/players/join", { body })).toMatchObject({
      status: 400,
      body: { code: "malformed", title: expect.any(String), detail: expect.any(String) },
    });
    expect(agent.calls).toEqual([]);
  });

  test.each([
    ["/v1/players/join", "512 KiB", 512 * 1024],
    ["/v1/snapshot", "2 MiB", 2 * 1024 * 1024],
  ])("a body for %s of more than %s, and just not one of it", async (path, _words, most) => {
    const port = await agent.open("a");
    const quoted = (bytes: number) => `"${"x".repeat(bytes - 2)}"`;
    expect(await sdkCall(port, "POST", path, { body: quoted(most) })).toMatchObject({ status: 200 });
    const large = await sdkCall(port, "POST", path, { body: quoted(most + 1) });
    expect(large).toMatchObject({ status: 413, body: { code: "bodyTooLarge" } });
    expect(agent.calls).toHaveLength(1);
  });
});

describe("snapshots over 512 KiB", () => {
  const begin = async (port: number): Promise<ClientRequest> => {
    const headers = { authorization: "Bearer token-a", expect: "100-continue", "content-length": 600 * 1024 };
    const sent = request({ host: "127.0.0.1", port, method: "POST", path: "/v1/snapshot", headers, agent: false });
    sent.on("error", () => undefined);
    // The gate has the head before it says that the body may come.
    await new Promise((resolve) => sent.on("continue", resolve).flushHeaders());
    return sent;
  };
  const large = { body: JSON.stringify({ server: "x".repeat(600 * 1024) }) };

  test("arrive four at a time; one more is told to come again, a small one is not", async () => {
    const port = await agent.open("a");
    const arriving = [];
    for (let i = 0; i < 4; i++) arriving.push(await begin(port));
    expect(await sdkCall(port, "POST", "/v1/snapshot", large)).toMatchObject({
      status: 503,
      body: { code: "tooManyCalls" },
    });
    expect(await sdkCall(port, "POST", "/v1/snapshot", { body: { server: "s" } })).toMatchObject({ status: 200 });
    const [first, ...others] = arriving;
    first?.end(`"${"x".repeat(600 * 1024 - 2)}"`);
    await agent.hears("call", ({ body }) => typeof body === "string");
    expect(await sdkCall(port, "POST", "/v1/snapshot", large)).toMatchObject({ status: 200 });
    for (const sent of others) sent.destroy();
  });
});

describe("a gate that retires", () => {
  const isDone = async (retired: Promise<void>) => {
    let done = false;
    void retired.then(() => (done = true));
    for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
    return done;
  };

  test("says so to its agent, keeps its servers, and is done with the last", async () => {
    await agent.open("a");
    const port = await agent.open("b");
    const stream = await TestStream.open(port, "token-b");
    const left = new Promise((resolve) => agent.channel.onClose(resolve));
    const retired = gate.retire();
    expect(await left).toBe("the gate retires");
    const next = new TestAgent(gate);
    expect(await next.hears("gateHello")).toMatchObject({ retiring: true, servers: [{}, {}] });
    expect(await sdkCall(port, "GET", "/v1/players", { token: "token-b" })).toMatchObject({ status: 200 });
    next.channel.send({ type: "closeServer", serverId: "a" });
    expect(await isDone(retired)).toBe(false);
    expect(gate.hello.servers).toHaveLength(1);
    // Where no other gate is, it takes a server on.
    await next.open("c");
    next.channel.send({ type: "closeServer", serverId: "b" });
    await stream.ended;
    expect(await isDone(retired)).toBe(false);
    next.channel.send({ type: "closeServer", serverId: "c" });
    await retired;
    await gate.retire();
  });

  test("is done at once without a server", () => gate.retire());

  test("waits for no agent that stays away, once nothing is connected", async () => {
    const stream = await TestStream.open(await agent.open("a"));
    const retired = gate.retire();
    clock.advance(60_000);
    expect(await isDone(retired)).toBe(false);
    await stream.close();
    while (!(await isDone(retired))) clock.advance(10_000);
  });
});

describe("while the agent is away", () => {
  test("a call waits and the next agent answers it; a stream stays", async () => {
    const port = await agent.open("a");
    const stream = await TestStream.open(port);
    await agent.leave();
    const answer = sdkCall(port, "POST", "/v1/players/join", { body: { ticket: "t" } });
    await held(1);
    const next = new TestAgent(gate);
    next.answering = () => ({ status: 200, body: { admitted: true } });
    expect(await answer).toMatchObject({ status: 200, body: { admitted: true } });
    expect(next.heard[0]).toEqual({
      type: "gateHello",
      protocol: 1,
      gateVersion: "test",
      startedAtMs: clock.now(),
      servers: [{ serverId: "a", allocationId: "alloc-1", port, streams: 1, everStreamed: true }],
    });
    expect(next.calls[0]?.repeated).toBeUndefined();
    next.channel.send({ type: "push", serverId: "a", event: "draining", data: { deadline: 5 } });
    await stream.reads('event: draining\ndata: {"deadline":5}\n\n');
  });

  test("a call that the last agent took along is given to the next, marked as repeated", async () => {
    const port = await agent.open("a");
    agent.answering = () => undefined;
    const answer = sdkCall(port, "POST", "/v1/players/join", { body: { ticket: "t" } });
    const { id } = await agent.hears("call");
    await agent.leave();
    const next = new TestAgent(gate);
    expect(await answer).toMatchObject({ status: 200 });
    expect(next.calls).toMatchObject([{ id, path: "/v1/players/join", repeated: true }]);
  });

  test("a call waits 10 s, then is told to come again", async () => {
    const port = await agent.open("a");
    await agent.leave();
    const answer = sdkCall(port, "POST", "/v1/health");
    await held(1);
    clock.advance(10_000);
    expect(await answer).toMatchObject({ status: 503, body: { code: "agentAway" } });
    expect((await answer).headers["retry-after"]).toBe("1");
  });

  test("an agent that is there and says nothing is not waited for longer", async () => {
    const port = await agent.open("a");
    agent.answering = () => undefined;
    const answer = sdkCall(port, "POST", "/v1/health");
    const { id } = await agent.hears("call");
    clock.advance(10_000);
    expect(await answer).toMatchObject({ status: 503, body: { code: "agentSlow" } });
    agent.channel.send({ type: "answer", id, status: 200, body: {} });
    agent.answering = () => ({ status: 200, body: {} });
    expect(await sdkCall(port, "POST", "/v1/health")).toMatchObject({ status: 200 });
  });

  test("only so many calls of a server wait", async () => {
    await gate.stop();
    gate = newGate(clock, { limits: { heldCalls: 5 } });
    agent = new TestAgent(gate);
    const [a, b] = [await agent.open("a"), await agent.open("b")];
    await agent.leave();
    const waiting = Array.from({ length: 5 }, () => sdkCall(a, "POST", "/v1/health"));
    await held(5);
    expect(await sdkCall(a, "POST", "/v1/health")).toMatchObject({ status: 503, body: { code: "tooManyCalls" } });
    waiting.push(sdkCall(b, "POST", "/v1/health", { token: "token-b" }));
    await held(6);
    new TestAgent(gate);
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
  });

  test("only so many bytes wait, whoever sent them", async () => {
    await gate.stop();
    gate = newGate(clock, { limits: { heldBytes: 1000 } });
    agent = new TestAgent(gate);
    const [a, b] = [await agent.open("a"), await agent.open("b")];
    await agent.leave();
    const waiting = sdkCall(a, "POST", "/v1/snapshot", { body: { server: "x".repeat(900) } });
    await held(1);
    const more = await sdkCall(b, "POST", "/v1/snapshot", { token: "token-b", body: { server: "x".repeat(100) } });
    expect(more).toMatchObject({ status: 503, body: { code: "tooManyCalls" } });
    new TestAgent(gate);
    expect(await waiting).toMatchObject({ status: 200 });
    const again = await sdkCall(b, "POST", "/v1/snapshot", { token: "token-b", body: { server: "x".repeat(900) } });
    expect(again).toMatchObject({ status: 200 });
  });

  test("a newer agent replaces the older", async () => {
    const port = await agent.open("a");
    const closed = new Promise((resolve) => agent.channel.onClose(resolve));
    const next = new TestAgent(gate);
    expect(await closed).toMatch(/newer agent/);
    expect(await sdkCall(port, "GET", "/v1/players")).toMatchObject({ status: 200 });
    expect([agent.calls.length, next.calls.length]).toEqual([0, 1]);
  });

  /** Until so many calls wait in the gate. */
  async function held(count: number): Promise<void> {
    while (gate.waitingCalls < count) await new Promise((resolve) => setImmediate(resolve));
  }
});

describe("a server's port", () => {
  test("is asked for again by an agent that came back: streams stay", async () => {
    const port = await agent.open("a");
    const stream = await TestStream.open(port);
    expect(await agent.open("a")).toBe(port);
    agent.channel.send({ type: "push", serverId: "a", event: "gameserver", data: { state: "ready" } });
    await stream.reads('"ready"');
  });

  test("is opened anew for another allocation, and the old streams end without being news", async () => {
    const port = await agent.open("a");
    const stream = await TestStream.open(port);
    const next = await agent.open("a", { allocationId: "alloc-2", token: "other" });
    await stream.ended;
    expect(await sdkCall(next, "GET", "/v1/players", { token: "other" })).toMatchObject({ status: 200 });
    expect(agent.heard.filter(({ type }) => type === "streamEnded")).toEqual([]);
  });

  test("that is taken is told with its number", async () => {
    const port = await agent.open("a");
    agent.channel.send({ type: "open", serverId: "b", allocationId: "alloc-1", port, token: "token-b" });
    const failed = await agent.hears("openFailed");
    expect(failed).toMatchObject({ serverId: "b", port });
    expect(failed.detail).toContain(`127.0.0.1:${port}`);
    expect(failed.detail).toContain("EADDRINUSE");
  });

  test("closes: the waiting call is answered, the stream ends, nobody listens", async () => {
    const port = await agent.open("a");
    const stream = await TestStream.open(port);
    agent.answering = () => undefined;
    const answer = sdkCall(port, "GET", "/v1/players");
    await agent.hears("call");
    agent.channel.send({ type: "closeServer", serverId: "a" });
    expect(await answer).toMatchObject({ status: 503, body: { code: "serverClosed" } });
    await stream.ended;
    await agent.open("b");
    await expect(sdkCall(port, "GET", "/v1/players")).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  test("all of them close with the gate, and its agent is told", async () => {
    const real = newGate(systemClock);
    const its = new TestAgent(real);
    const ports = [await its.open("a"), await its.open("b")];
    const stream = await TestStream.open(ports[0] as number);
    const told = new Promise((resolve) => its.channel.onClose(resolve));
    await real.stop();
    expect(await told).toBe("the gate is stopping");
    await stream.ended;
    for (const port of ports) await expect(sdkCall(port, "GET", "/")).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });
});
