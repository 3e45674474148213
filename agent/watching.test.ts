import type { ExpectedServer } from "../protocol/messages";
import { expectedServer, seatRequest, seconds, settled, TestNode, ticketOf } from "./test-node";

/** What becomes of findings, heartbeats and streams. */
let node: TestNode;
const on = { serverId: "s1", allocationId: "a1" };

beforeEach(async () => {
  node = await TestNode.start();
});
afterEach(() => node.stop());

async function readyServer(changes: Partial<ExpectedServer> = {}): Promise<void> {
  await node.controller.ask({ kind: "expect", server: expectedServer(changes) });
  await node.gate.call("POST", "/v1/ready");
}

const grant = (...ids: string[]) =>
  node.controller.ask({ kind: "grant", ...on, seats: ids.map((id) => seatRequest(id)), leaseMs: 30_000 });

const health = () =>
  node.controller.events.flatMap((event) => (event.kind === "health" ? [[event.healthy, event.reason] as const] : []));

describe("heartbeats", () => {
  const IMPATIENT = { ...expectedServer().health, intervalMs: 2000, unhealthyThreshold: 2 };

  test("silence for longer than interval × threshold is unhealthy; enough heartbeats make it healthy again", async () => {
    await readyServer();
    await seconds(node, 6);
    expect(health()).toEqual([]);
    await seconds(node, 1);
    expect(health()).toEqual([[false, "no heartbeat for 7.0 s; 6.0 s are allowed"]]);
    expect(await grant("x")).toMatchObject({ ok: false, code: "unhealthy" });
    await node.gate.call("POST", "/v1/health");
    expect(await grant("x")).toMatchObject({ ok: false, code: "unhealthy" });
    await node.gate.call("POST", "/v1/health");
    expect(await grant("x")).toMatchObject({ ok: true });
    expect(health()).toHaveLength(2);
  });

  test("no silence counts while the agent or its whole machine stood still", async () => {
    await readyServer();
    await seconds(node, 2);
    node.clock.stall(60_000);
    await seconds(node, 3);
    expect(health()).toEqual([]);
    await seconds(node, 1);
    expect(health()).toEqual([[false, "no heartbeat for 7.0 s; 6.0 s are allowed"]]);
  });

  test("a hang is found also by an agent that is late each second", async () => {
    await readyServer();
    for (let i = 0; i < 7; i++) {
      node.clock.stall(1500);
      await settled();
    }
    expect(health()).toEqual([[false, "no heartbeat for 7.0 s; 6.0 s are allowed"]]);
  });

  test("a server that beats stays healthy", async () => {
    await readyServer();
    for (let i = 0; i < 10; i++) {
      await node.gate.call("POST", "/v1/health");
      await seconds(node, 2);
    }
    expect(health()).toEqual([]);
  });

  test("no silence counts while the gate is away, or the agent was", async () => {
    await readyServer();
    node.gate.channel.close("a new version");
    await seconds(node, 30);
    expect(health()).toEqual([]);
    node.gate = node.connectGate();
    await seconds(node, 5);
    await node.restart();
    await seconds(node, 10);
    expect(node.controller.snapshots[0]?.servers[0]).toMatchObject({ healthy: true });
    expect(health()).toEqual([]);
    await seconds(node, 1);
    expect(health()).toHaveLength(1);
  });

  test("agent and gate away together: servers have 10 s from when a gate has their port, however little is allowed", async () => {
    await readyServer({ health: IMPATIENT });
    await node.agent.close();
    await seconds(node, 20);
    await node.boot();
    await seconds(node, 10);
    expect(health()).toEqual([]);
    // Who has come back has no more time than before.
    await node.gate.call("POST", "/v1/health");
    await seconds(node, 4);
    expect(health()).toEqual([]);
    await seconds(node, 1);
    expect(health()).toEqual([[false, "no heartbeat for 5.0 s; 4.0 s are allowed"]]);
  });

  test("a gate that is back before anybody looks gives the same time", async () => {
    await readyServer({ health: IMPATIENT });
    await seconds(node, 3);
    node.gate.channel.close("killed");
    node.gate = node.connectGate();
    await settled();
    await seconds(node, 10);
    expect(health()).toEqual([]);
    await seconds(node, 1);
    expect(health()).toEqual([[false, "no heartbeat for 11.0 s; 4.0 s are allowed"]]);
  });
});

test("a server that is not ready in time is unhealthy, until it is", async () => {
  await node.controller.ask({ kind: "expect", server: expectedServer({ readyTimeoutMs: 5000 }) });
  await seconds(node, 4);
  expect(health()).toEqual([]);
  await seconds(node, 3);
  expect(health()).toEqual([[false, "not ready within 5 s"]]);
  await node.gate.call("POST", "/v1/ready");
  await settled();
  expect(node.controller.told.slice(-2)).toEqual(["ready", "health"]);
  expect(health().at(-1)).toEqual([true, "ready at last"]);
});

describe("SDK streams", () => {
  const stream = (type: "streamOpened" | "streamEnded", streams: number) => {
    node.gate.channel.send({ type, serverId: "s1", streams });
    return settled();
  };

  test("the end of the last is the server's end", async () => {
    await readyServer();
    await grant("x");
    await stream("streamOpened", 1);
    await stream("streamOpened", 2);
    await stream("streamEnded", 1);
    expect(node.controller.told).toEqual(["ready"]);
    await stream("streamEnded", 0);
    expect(node.controller.events.at(-1)).toMatchObject({ kind: "gone", reason: "its SDK stream ended" });
    expect((await node.connect()).snapshots[0]?.servers[0]).toMatchObject({
      gone: { reason: "its SDK stream ended" },
      seats: [{ sessionId: "x" }],
    });
    await seconds(node, 40);
    expect(node.controller.told.filter((kind) => kind.startsWith("left"))).toEqual([]);
  });

  test("also where it ended while the agent was away", async () => {
    await readyServer();
    node.gate.channel.close("its agent was away");
    await settled();
    const gate = node.connectGate([{ ...on, port: 7001, streams: 0, everStreamed: true }]);
    await settled();
    expect(node.controller.events.at(-1)).toMatchObject({ kind: "gone" });
    expect(gate.told).toEqual([{ type: "closeServer", serverId: "s1" }]);
  });

  test("not while it is being stopped", async () => {
    await readyServer();
    await stream("streamOpened", 1);
    await node.controller.ask({ kind: "notice", ...on, notice: { kind: "stopping", graceMs: 5000 } });
    await stream("streamEnded", 0);
    expect(node.controller.told).toEqual(["ready"]);
  });

  test("each new one is told what the server is, and all of them what changes", async () => {
    await readyServer();
    await stream("streamOpened", 1);
    const pushes = () => node.gate.told.flatMap((message) => (message.type === "push" ? [message] : []));
    expect(pushes()).toMatchObject([{ event: "gameserver", data: { serverId: "s1", state: "ready" } }]);
    await grant("x");
    await grant("y");
    await seconds(node, 1);
    expect(pushes().slice(1)).toMatchObject([{ event: "gameserver", data: { state: "allocated" } }]);
  });

  test("notices go to it as events", async () => {
    await readyServer();
    const deadlineMs = Date.parse("2026-01-02T03:04:05.000Z");
    for (const notice of [
      { kind: "draining", deadlineMs, reason: "rollout" },
      { kind: "draining", reason: "node n1 is isolated" },
      { kind: "moved", playerIds: ["p"], reason: "failover" },
      { kind: "peers", role: "ai", addresses: ["127.0.0.1:9000"] },
      { kind: "stopping", graceMs: 10 },
    ] as const) {
      await node.controller.ask({ kind: "notice", ...on, notice });
    }
    expect(node.gate.told.filter(({ type }) => type === "push")).toEqual([
      {
        type: "push",
        serverId: "s1",
        event: "draining",
        data: { deadline: "2026-01-02T03:04:05.000Z", reason: "rollout" },
      },
      { type: "push", serverId: "s1", event: "draining", data: { reason: "node n1 is isolated" } },
      { type: "push", serverId: "s1", event: "moved", data: { playerIds: ["p"], reason: "failover" } },
      { type: "push", serverId: "s1", event: "peers", data: { role: "ai", addresses: ["127.0.0.1:9000"] } },
      { type: "push", serverId: "s1", event: "stopping", data: { graceMs: 10 } },
    ]);
  });
});

describe("gates", () => {
  test("a new hello is made equal to what should be open", async () => {
    await readyServer();
    await node.controller.ask({
      kind: "expect",
      server: expectedServer({ serverId: "s2", ports: { game: 7002, sdk: 7003 } }),
    });
    await node.controller.ask({ kind: "expect", server: expectedServer({ serverId: "plain", ports: { game: 7004 } }) });
    node.gate.channel.close("restarting");
    await settled();
    const gate = node.connectGate([
      { serverId: "s1", allocationId: "a1", port: 7001, streams: 1, everStreamed: true },
      { serverId: "s2", allocationId: "a-before", port: 7003, streams: 0, everStreamed: false },
      { serverId: "stranger", allocationId: "a", port: 7009, streams: 3, everStreamed: true },
    ]);
    await settled();
    const told = gate.told.map((message) => `${message.type} ${"serverId" in message ? message.serverId : ""}`);
    expect(told.sort()).toEqual(["closeServer s2", "closeServer stranger", "open s1", "open s2", "push s1"]);
    expect(node.controller.told).toEqual(["ready"]);
  });

  test("beside an old gate a new one takes new servers only", async () => {
    await readyServer();
    const newer = node.connectGate();
    await settled();
    await node.controller.ask({ kind: "expect", server: expectedServer({ serverId: "s2", ports: { sdk: 7003 } }) });
    expect(newer.told).toEqual([expect.objectContaining({ type: "open", serverId: "s2" })]);
    await node.controller.ask({ kind: "notice", ...on, notice: { kind: "stopping", graceMs: 1 } });
    expect(node.gate.told.at(-1)).toMatchObject({ type: "push", serverId: "s1" });
  });

  test("a port that cannot be opened is tried again for a while, then makes the server unhealthy", async () => {
    node.gate.answers = false;
    await node.controller.ask({ kind: "expect", server: expectedServer() });
    for (let tries = 1; tries <= 5; tries++) {
      expect(health()).toEqual([]);
      expect(node.gate.told.filter(({ type }) => type === "open")).toHaveLength(tries);
      node.gate.channel.send({ type: "openFailed", serverId: "s1", port: 7001, detail: "127.0.0.1:7001 is in use" });
      await settled();
      await seconds(node, 1);
    }
    expect(health()).toEqual([[false, "127.0.0.1:7001 is in use"]]);
    await seconds(node, 2);
    expect(node.gate.told.filter(({ type }) => type === "open")).toHaveLength(5);
  });

  describe("of several", () => {
    const held = { serverId: "s1", allocationId: "a1", port: 7001, streams: 1, everStreamed: true };
    const expectS2 = () =>
      node.controller.ask({ kind: "expect", server: expectedServer({ serverId: "s2", ports: { sdk: 7003 } }) });
    // More than once where a gate is asked whether it hears.
    const opens = (gate: typeof node.gate) => [
      ...new Set(gate.told.flatMap((message) => (message.type === "open" ? [message.serverId] : []))),
    ];

    test("the newest that stays takes new servers, in whatever order they are met", async () => {
      await readyServer();
      node.gate.channel.close("met again in another order");
      const newest = node.connectGate([], { startedAtMs: 30 });
      const old = node.connectGate([held], { startedAtMs: 20, retiring: true });
      const older = node.connectGate([], { startedAtMs: 10 });
      await settled();
      // It has the port; its hello came after the newest gate's.
      newest.channel.send({ type: "openFailed", serverId: "s1", port: 7001, detail: "in use" });
      await expectS2();
      await seconds(node, 6);
      expect([opens(newest), opens(old), opens(older)]).toEqual([["s1", "s2"], ["s1"], []]);
      expect(health()).toEqual([]);
      await node.controller.ask({ kind: "notice", ...on, notice: { kind: "stopping", graceMs: 1 } });
      expect(old.told.at(-1)).toMatchObject({ type: "push", serverId: "s1" });
    });

    test("one that retires takes a server where there is no other", async () => {
      node.gate.channel.close("gone");
      const retiring = node.connectGate([], { startedAtMs: 20, retiring: true });
      await settled();
      await expectS2();
      expect(opens(retiring)).toEqual(["s2"]);
    });

    test("when one is gone its servers go to another", async () => {
      await readyServer();
      const newer = node.connectGate([], { startedAtMs: 20 });
      await settled();
      expect(opens(newer)).toEqual([]);
      node.gate.channel.close("killed");
      await settled();
      await seconds(node, 1);
      expect(opens(newer)).toEqual(["s1"]);
    });
  });

  test("one of another version is sent away", async () => {
    const { channel } = node.connectGate();
    await settled();
    channel.send({ type: "gateHello", protocol: 9, gateVersion: "9", servers: [] });
    await settled();
    expect(channel.closed).toBe(true);
  });
});

describe("probes", () => {
  const observed = { sdk: "none", seats: "observed", ports: { game: 7000 } } as const;
  const probed = async (changes: Partial<ExpectedServer> = {}) => {
    const check = { kind: "query", protocol: "quake3", port: "game" } as const;
    const server = expectedServer({ ...observed, health: { ...expectedServer().health, check }, ...changes });
    await node.controller.ask({ kind: "expect", server });
    return async (...findings: Parameters<NonNullable<ReturnType<typeof node.probes.get>>>[0][]) => {
      for (const finding of findings) node.probes.get("s1")?.(finding);
      await settled();
    };
  };

  test("ready, ill and well again", async () => {
    const find = await probed();
    await find({ kind: "ready" }, { kind: "ready" }, { kind: "unhealthy", reason: "3 timeouts" });
    expect(await grant("x")).toMatchObject({ ok: false, code: "unhealthy", detail: "3 timeouts" });
    await find({ kind: "healthy" }, { kind: "healthy" });
    expect(node.controller.told).toEqual(["ready", "health", "health"]);
  });

  test("players by name: seats are joined and left, strangers are walk-ins and take up seats", async () => {
    const find = await probed();
    await find({ kind: "ready" });
    await grant("x", "y");
    await find({ kind: "players", count: 3, names: ["player-x", "bot", "bot"] });
    expect(node.controller.told).toEqual(["ready", "joined x", "walkIns"]);
    expect(await grant("z")).toMatchObject({ ok: false, code: "full" });
    await find({ kind: "players", count: 1, names: ["bot"] });
    expect(node.controller.told.slice(3)).toEqual(["left x left", "walkIns"]);
    expect((await node.connect()).snapshots[0]?.servers[0]).toMatchObject({ walkIns: 1, seats: [{ sessionId: "y" }] });
  });

  test("players by number, and by log line", async () => {
    const find = await probed();
    await find({ kind: "ready" });
    await grant("x");
    await find({ kind: "players", count: 2, names: [] });
    expect(node.controller.told.slice(1)).toEqual(["joined x", "walkIns"]);
    await find({ kind: "players", count: 0, names: [] });
    expect(node.controller.told.slice(3)).toEqual(["left x left", "walkIns"]);
    await find({ kind: "playerJoined", player: "celeron55" }, { kind: "playerLeft", player: "celeron55" });
    expect(node.controller.events.slice(-2)).toMatchObject([{ count: 1 }, { count: 0 }]);
  });

  test("an exit is the end, once, and of a server that reports too", async () => {
    const find = await probed();
    await find({ kind: "ready" }, { kind: "exited", reason: "killed by SIGKILL" }, { kind: "exited", reason: "again" });
    await find({ kind: "playerJoined", player: "late" });
    await node.controller.ask({ kind: "ended", ...on, reason: "the engine saw it too" });
    expect(node.controller.told).toEqual(["ready", "gone"]);
    expect(node.controller.events.at(-1)).toMatchObject({ reason: "killed by SIGKILL" });
    expect(node.probes.size).toBe(0);
  });

  test("those that cannot be started make the server unhealthy, not the agent", async () => {
    await node.stop();
    node = await TestNode.start({
      startProbes: () => {
        throw new Error("health.tcp: the server has no port game");
      },
    });
    await probed();
    await settled();
    expect(health()).toEqual([[false, "its probes cannot be started: Error: health.tcp: the server has no port game"]]);
  });
});

test("what joined is still counted when its ticket's server says ready again in the middle", async () => {
  await readyServer();
  const ack = await grant("x");
  await node.gate.call("POST", "/v1/players/join", { ticket: ticketOf(ack) });
  await node.gate.call("POST", "/v1/ready");
  expect((await node.connect()).snapshots[0]?.servers[0]?.seats).toMatchObject([{ sessionId: "x", joined: true }]);
});
