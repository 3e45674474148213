import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { GateDouble, type GateDoubleOptions } from "../../testing/gate-double";
import { ManualTiming } from "../../testing/manual-timing";
import { ForgeApiError, ForgeUnreachableError } from "../errors";
import { GameServer, type ConnectOptions } from "./game-server";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close();
});

async function gateDouble(options: GateDoubleOptions = {}): Promise<GateDouble> {
  const gate = await GateDouble.start(options);
  open.push(gate);
  return gate;
}

async function connect(gate: GateDouble, options: ConnectOptions = {}): Promise<GameServer> {
  const forge = await GameServer.connect({
    env: gate.env(),
    heartbeatMs: false,
    timing: new ManualTiming(Date.now()),
    ...options,
  });
  open.push(forge);
  return forge;
}

/** The first value that an event brings. */
function once<Name extends Parameters<GameServer["on"]>[0]>(forge: GameServer, name: Name): Promise<unknown> {
  return new Promise((resolve) => {
    const off = forge.on(name, (value) => {
      off();
      resolve(value);
    });
  });
}

describe("connecting", () => {
  it("waits until the gate listens", async () => {
    const reserved = createServer();
    await new Promise<void>((resolve) => reserved.listen(0, "127.0.0.1", resolve));
    const { port } = reserved.address() as AddressInfo;
    await new Promise((resolve) => reserved.close(resolve));

    const timing = new ManualTiming(Date.now());
    const sleep = timing.sleep.bind(timing);
    let gate: GateDouble | undefined;
    // The third pause is when the gate comes up.
    timing.sleep = async (ms, signal) => {
      if (timing.slept.length === 2) gate = await gateDouble({ port });
      return sleep(ms, signal);
    };
    const env = { FORGE_SDK_URL: `http://127.0.0.1:${port}`, FORGE_SDK_TOKEN: "token of the double" };
    const forge = await GameServer.connect({ env, heartbeatMs: false, timing });
    open.push(forge);
    expect(forge.info).toMatchObject({ serverId: "server-1", maxPlayers: 16, restore: null });
    expect(gate?.streamCount).toBe(1);
  });

  it("gives up after its time, naming what it asked", async () => {
    const env = { FORGE_SDK_URL: "http://127.0.0.1:9", FORGE_SDK_TOKEN: "t" };
    const refused = GameServer.connect({ env, connectForMs: 500, timing: new ManualTiming() });
    await expect(refused).rejects.toThrow(ForgeUnreachableError);
    await expect(refused).rejects.toThrow(/GET \/v1\/gameserver: no answer: .*ECONNREFUSED/);
  });

  it("does not go on with a token that is refused", async () => {
    const gate = await gateDouble();
    const env = { ...gate.env(), FORGE_SDK_TOKEN: "wrong" };
    await expect(GameServer.connect({ env, timing: new ManualTiming() })).rejects.toMatchObject({ status: 401 });
    expect(gate.calls).toHaveLength(1);
  });

  it("leaves no stream behind when it is closed", async () => {
    const gate = await gateDouble();
    const forge = await connect(gate);
    forge.close();
    await gate.until(() => gate.streamCount === 0);
    await expect(forge.ready()).rejects.toThrow("closed");
  });
});

describe("calls", () => {
  it("say what SDK-REST asks for", async () => {
    const gate = await gateDouble();
    const forge = await connect(gate);
    await forge.ready();
    await forge.health();
    await forge.reserve(30);
    await forge.stats({ responseMs: 3, players: 2 });
    await forge.setLabels({ mode: "duel", old: null });
    await forge.setAnnotations({ map: "castle" });
    await forge.snapshot({ server: "s", players: { ann: "a" } });
    await forge.shutdown();
    expect(gate.calls.slice(2)).toEqual([
      { method: "POST", path: "/v1/ready", body: {} },
      { method: "POST", path: "/v1/health", body: {} },
      { method: "POST", path: "/v1/reserve", body: { seconds: 30 } },
      { method: "POST", path: "/v1/stats", body: { responseMs: 3, players: 2 } },
      { method: "PUT", path: "/v1/labels", body: { mode: "duel", old: null } },
      { method: "PUT", path: "/v1/annotations", body: { map: "castle" } },
      {
        method: "POST",
        path: "/v1/snapshot",
        body: { server: "s", players: { ann: "a" }, takenAt: expect.stringMatching(/^\d{4}-.*Z$/) },
      },
      { method: "POST", path: "/v1/shutdown", body: {} },
    ]);
  });

  it.each([429, 502, 503, 504])("are tried again after %d, while the agent is away", async (status) => {
    const gate = await gateDouble();
    const forge = await connect(gate);
    gate.intercept = ({ path }) => (path === "/v1/ready" && gate.callsTo(path).length < 4 ? { status } : undefined);
    await forge.ready();
    expect(gate.callsTo("/v1/ready")).toHaveLength(4);
  });

  it("are tried again when the connection breaks", async () => {
    const gate = await gateDouble();
    const forge = await connect(gate);
    gate.intercept = ({ path }) =>
      path === "/v1/ready" && gate.callsTo(path).length < 3 ? { status: 0, drop: true } : undefined;
    await forge.ready();
    expect(gate.callsTo("/v1/ready")).toHaveLength(3);
  });

  it("are not tried again after a no", async () => {
    const gate = await gateDouble();
    const forge = await connect(gate);
    gate.intercept = ({ path }) =>
      path === "/v1/reserve" ? { status: 422, body: { code: "invalid", detail: "seconds: at most 3600" } } : undefined;
    await expect(forge.reserve(1e9)).rejects.toThrow(
      new ForgeApiError("invalid", 422, "seconds: at most 3600", { where: "POST /v1/reserve" }),
    );
    expect(gate.callsTo("/v1/reserve")).toHaveLength(1);
  });

  it("refuse a state over its limit before it is sent", async () => {
    const gate = await gateDouble();
    const forge = await connect(gate);
    await expect(forge.snapshot({ players: { ann: "x".repeat(5000) } })).rejects.toMatchObject({
      code: "snapshotTooLarge",
    });
    expect(gate.callsTo("/v1/snapshot")).toHaveLength(0);
  });
});

describe("heartbeats", () => {
  it("come by themselves, go on after a failure, and stay out while the server calls itself unwell", async () => {
    const gate = await gateDouble();
    let healthy = true;
    await connect(gate, { heartbeatMs: 2_000, isHealthy: () => healthy });
    await gate.until(() => gate.callsTo("/v1/health").length >= 3);
    gate.intercept = ({ path }) => (path === "/v1/health" ? { status: 500 } : undefined);
    const failed = gate.callsTo("/v1/health").length + 3;
    await gate.until(() => gate.callsTo("/v1/health").length >= failed);
    gate.intercept = undefined;
    healthy = false;
    const stopped = gate.callsTo("/v1/health").length;
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    // One may have been on its way.
    expect(gate.callsTo("/v1/health").length).toBeLessThanOrEqual(stopped + 1);
  });

  it("keep a beat of the server's own, however late one of them was and whatever becomes of the clock", async () => {
    const gate = await gateDouble();
    const timing = new ManualTiming(1_700_000_000_000, 0.25);
    const late = [0, 700, 0, 1_990, 4_100, -3_600_000, 0, 0];
    const at: number[] = [];
    gate.intercept = ({ path }) => {
      if (path !== "/v1/health") return undefined;
      at.push(timing.now() - 1_700_000_000_000);
      timing.advance(late[at.length - 1] ?? 0);
      return undefined;
    };
    await connect(gate, { heartbeatMs: 2_000, timing });
    await gate.until(() => at.length >= late.length);
    const setBack = 14_500 - 3_600_000;
    // The one at 4,500 ms ends 10 ms before the next is due, which is then left out.
    expect(at.slice(0, late.length)).toEqual([0, 500, 2_500, 4_500, 8_500, 14_500, setBack + 2_000, setBack + 4_000]);
  });
});

describe("players", () => {
  it("are admitted by ticket, with what another server saved of them", async () => {
    const gate = await gateDouble({ restore: { players: { ann: "saved" }, ageMs: 1234 } });
    const forge = await connect(gate);
    const ticket = gate.ticket("ann", { generation: 3 });
    expect(forge.checkTicket(ticket)).toMatchObject({ ok: true, claims: { playerId: "ann", generation: 3 } });
    await expect(forge.playerJoined(ticket)).resolves.toEqual({
      admitted: true,
      playerId: "ann",
      sessionId: "session-ann",
      generation: 3,
      restore: { data: "saved", ageMs: 1234 },
    });
    await expect(forge.players()).resolves.toEqual([expect.objectContaining({ playerId: "ann" })]);
    await forge.playerLeft("ann");
    expect(gate.seats.size).toBe(0);
  });

  it("are refused with a reason where the agent says no", async () => {
    const gate = await gateDouble();
    const forge = await connect(gate);
    const expired = gate.ticket("ann", { expiresAtMs: 1 });
    await expect(forge.playerJoined(expired)).resolves.toEqual({
      admitted: false,
      code: "ticketExpired",
      detail: "refused by the double",
    });
    const foreign = gate.ticket("ann", { serverId: "server-2" });
    expect(forge.checkTicket(foreign)).toEqual({ ok: false, problem: "foreign" });
    await expect(forge.playerJoined(foreign)).resolves.toMatchObject({ admitted: false, code: "ticketForeign" });
  });

  it.each(["no ticket", undefined, null, 5, {}, ["a.b"]])("with %p for a ticket bother nobody", async (none) => {
    const gate = await gateDouble();
    const forge = await connect(gate);
    await expect(forge.playerJoined(none)).resolves.toMatchObject({ admitted: false, code: "ticketMalformed" });
    expect(forge.checkTicket(none)).toEqual({ ok: false, problem: "malformed" });
    expect(gate.callsTo("/v1/players/join")).toHaveLength(0);
  });

  it("use a ticket once, unless the server says that they come back", async () => {
    const gate = await gateDouble();
    const forge = await connect(gate);
    const ticket = gate.ticket("ann");
    const both = await Promise.all([forge.playerJoined(ticket), forge.playerJoined(ticket)]);
    expect(both.map(({ admitted }) => admitted)).toEqual([true, false]);
    await expect(forge.playerJoined(ticket)).resolves.toMatchObject({ admitted: false, code: "ticketReplayed" });
    expect(gate.callsTo("/v1/players/join")).toHaveLength(1);
    await expect(forge.playerJoined(ticket, { rejoin: true })).resolves.toMatchObject({ admitted: true });
    await forge.playerLeft("ann");
    await expect(forge.playerJoined(ticket)).resolves.toMatchObject({ admitted: false, code: "ticketReplayed" });
  });

  it("are in when the agent admitted them and its answer got lost", async () => {
    const gate = await gateDouble();
    const forge = await connect(gate);
    const ticket = gate.ticket("ann");
    gate.intercept = ({ path }) => {
      if (path !== "/v1/players/join" || gate.callsTo(path).length > 1) return undefined;
      gate.used.add(ticket);
      return { status: 0, drop: true };
    };
    await expect(forge.playerJoined(ticket)).resolves.toMatchObject({ admitted: true });
    expect(gate.callsTo("/v1/players/join").map(({ body }) => body)).toEqual([{ ticket }, { ticket, rejoin: true }]);
  });

  it("are not admitted while nobody answers", async () => {
    const gate = await gateDouble();
    const forge = await connect(gate, { retryForMs: 2_000 });
    gate.intercept = ({ path }) => (path === "/v1/players/join" ? { status: 503 } : undefined);
    await expect(forge.playerJoined(gate.ticket("ann"))).rejects.toMatchObject({ status: 503 });
    gate.intercept = undefined;
    await expect(forge.playerJoined(gate.ticket("ann"))).resolves.toMatchObject({ admitted: true });
  });

  it("who are gone already may leave", async () => {
    const gate = await gateDouble();
    const forge = await connect(gate);
    gate.intercept = ({ path }) =>
      path === "/v1/players/leave" ? { status: 404, body: { code: "unknownPlayer" } } : undefined;
    await expect(forge.playerLeft("ann")).resolves.toBeUndefined();
  });
});

describe("snapshots", () => {
  it("hold those who are in, from the savers, again and again", async () => {
    const gate = await gateDouble();
    const forge = await connect(gate);
    await forge.playerJoined(gate.ticket("ann"));
    await forge.playerJoined(gate.ticket("ben"));
    let version = 0;
    const stop = forge.saveEvery({ server: () => `v${++version}`, player: (id) => `state of ${id}` });
    await gate.until(() => gate.saved.server === "v3");
    expect([...gate.saved.players.keys()]).toEqual(["ann", "ben"]);
    gate.push("moved", { playerIds: ["ann"], reason: "drained" });
    await once(forge, "moved");
    gate.saved.players.clear();
    await gate.until(() => gate.saved.players.has("ben"));
    expect([...gate.saved.players.keys()]).toEqual(["ben"]);
    stop();
    await forge.saveNow();
    const after = version;
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(version).toBe(after);
  });

  it("tell of states that are too large and save the others", async () => {
    const gate = await gateDouble();
    const forge = await connect(gate);
    await forge.playerJoined(gate.ticket("ann"));
    const problem = once(forge, "problem");
    forge.saveEvery({ server: () => "s", player: () => "x".repeat(5000) });
    await expect(problem).resolves.toMatchObject({
      code: "snapshotTooLarge",
      message: expect.stringContaining('"ann"'),
    });
    await gate.until(() => gate.saved.server === "s");
    expect(gate.saved.players.size).toBe(0);
  });
});

describe("the watch stream", () => {
  it("brings events", async () => {
    const gate = await gateDouble();
    const forge = await connect(gate);
    const next = (name: Parameters<GameServer["on"]>[0], data: unknown): Promise<unknown> => {
      const event = once(forge, name);
      gate.push(name, data);
      return event;
    };
    await expect(next("draining", { deadline: "2030-01-01T00:00:00Z", reason: "r" })).resolves.toEqual({
      deadlineMs: Date.UTC(2030, 0, 1),
      reason: "r",
    });
    await expect(next("moved", { playerIds: ["ann", 7], reason: "r" })).resolves.toEqual({
      playerIds: ["ann"],
      reason: "r",
    });
    await expect(next("stopping", { graceMs: 5000 })).resolves.toEqual({ graceMs: 5000 });
    await expect(next("peers", { role: "ai", addresses: ["h:1"] })).resolves.toEqual({
      role: "ai",
      addresses: ["h:1"],
    });
    expect(forge.peers("ai")).toEqual(["h:1"]);
    await expect(next("gameserver", { serverId: "server-1", state: "ready", ticketKey: "k" })).resolves.toMatchObject({
      state: "ready",
    });
    expect(forge.info.state).toBe("ready");
  });

  it("tells of draining without a deadline", async () => {
    const gate = await gateDouble();
    const forge = await connect(gate);
    const told = once(forge, "draining");
    gate.push("draining", { reason: "r" });
    await expect(told).resolves.toEqual({ deadlineMs: undefined, reason: "r" });
  });

  it("tells of draining and stopping also who listens later", async () => {
    const gate = await gateDouble();
    const forge = await connect(gate);
    gate.push("draining", { deadline: 5, reason: "r" });
    gate.push("stopping", { graceMs: 1 });
    await once(forge, "stopping");
    await expect(once(forge, "draining")).resolves.toEqual({ deadlineMs: 5, reason: "r" });
    await expect(once(forge, "stopping")).resolves.toEqual({ graceMs: 1 });
  });

  it("does not mind what it does not know", async () => {
    const gate = await gateDouble();
    const forge = await connect(gate);
    gate.push("weather", { rain: true });
    gate.push("moved", "not an object");
    gate.push("stopping", {});
    await expect(once(forge, "stopping")).resolves.toEqual({ graceMs: 0 });
  });

  it("is opened again when it ends, also while the gate is away for a moment", async () => {
    const gate = await gateDouble();
    const forge = await connect(gate);
    let refused = 0;
    gate.intercept = ({ path }) => (path === "/v1/watch" && refused++ < 2 ? { status: 503 } : undefined);
    gate.endStreams();
    await gate.until(() => refused === 3 && gate.streamCount === 1);
    gate.push("stopping", { graceMs: 1 });
    await expect(once(forge, "stopping")).resolves.toEqual({ graceMs: 1 });
  });
});

it("knows the fleet roles that were there when it was started", async () => {
  const gate = await gateDouble();
  const forge = await connect(gate, { env: { ...gate.env(), FORGE_ROLE_AI: "h:1,h:2" } });
  expect(forge.peers("ai")).toEqual(["h:1", "h:2"]);
  expect(forge.peers("other")).toEqual([]);
});

it("gives back what the server that it replaces saved", async () => {
  const gate = await gateDouble({ restore: { server: "match state", ageMs: 77 } });
  const forge = await connect(gate);
  expect(forge.info.restore).toEqual({ data: "match state", ageMs: 77 });
});
