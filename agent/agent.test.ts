import type { RequestBody } from "../protocol/messages";
import { expectedServer, PATIENT, seatRequest, seconds, settled, TestNode, ticketOf } from "./test-node";

let node: TestNode;

beforeEach(async () => {
  node = await TestNode.start();
});

afterEach(async () => {
  await node.stop();
});

const on = { serverId: "s1", allocationId: "a1" };

function grant(...sessions: string[]): RequestBody {
  return { kind: "grant", ...on, seats: sessions.map((id) => seatRequest(id)), leaseMs: 30_000 };
}

async function readyServer(changes: Parameters<typeof expectedServer>[0] = {}): Promise<void> {
  await node.controller.ask({ kind: "expect", server: expectedServer(changes) });
  await node.gate.call("POST", "/v1/ready");
}

test("a player's whole way: expected, ready, granted, joined, left", async () => {
  expect(await node.controller.ask({ kind: "expect", server: expectedServer() })).toMatchObject({ ok: true });
  expect(node.gate.told).toContainEqual({ type: "open", ...on, port: 7001, token: "token", pids: [4242] });
  expect(await node.controller.ask(grant("x"))).toMatchObject({ ok: false, code: "notReady" });

  expect(await node.gate.call("POST", "/v1/ready")).toMatchObject({ status: 200 });
  const ack = await node.controller.ask(grant("x"));
  expect(ack).toMatchObject({ ok: true, free: 3, epoch: 1 });

  const answer = await node.gate.call("POST", "/v1/players/join", { ticket: ticketOf(ack) });
  expect(answer).toMatchObject({
    status: 200,
    body: { admitted: true, playerId: "player-x", sessionId: "x", generation: 1, restore: null },
  });
  expect(await node.gate.call("POST", "/v1/players/leave", { playerId: "player-x" })).toMatchObject({ status: 200 });
  await settled();
  expect(node.controller.told).toEqual(["ready", "joined x", "left x left"]);
});

describe("leaders", () => {
  test("a lower epoch than the highest seen is refused, also by the next agent process", async () => {
    await readyServer();
    expect(await node.controller.ask({ kind: "epoch" }, 7)).toMatchObject({ ok: true, epoch: 7 });
    expect(await node.controller.ask(grant("x"), 6)).toMatchObject({ ok: false, code: "staleEpoch", epoch: 7 });
    await node.restart();
    expect(node.controller.messages[0]).toMatchObject({ type: "hello", epoch: 7, can: ["openDraining"] });
    expect(await node.controller.ask(grant("x"), 6)).toMatchObject({ ok: false, code: "staleEpoch", epoch: 7 });
    expect(await node.controller.ask(grant("x"), 7)).toMatchObject({ ok: true });
  });

  test("a new leader is sent the seats before its epoch is acknowledged", async () => {
    await readyServer();
    await node.controller.ask(grant("x"));
    const standby = await node.connect();
    await node.controller.ask(grant("y"));
    await standby.ask({ kind: "epoch" }, 2);
    const kinds = standby.messages.map(({ type }) => type);
    expect(kinds.slice(-2)).toEqual(["snapshot", "ack"]);
    expect(standby.snapshots.at(-1)).toMatchObject({
      epoch: 2,
      servers: [{ seats: [{ sessionId: "x" }, { sessionId: "y" }] }],
    });
  });

  test("every replica hears of everything, acknowledgements go to who asked", async () => {
    const standby = await node.connect();
    await readyServer();
    const ack = await node.controller.ask(grant("x"));
    await node.gate.call("POST", "/v1/players/join", { ticket: ticketOf(ack) });
    await settled();
    expect(standby.told).toEqual(["ready", "granted", "joined x"]);
    expect(standby.messages.filter(({ type }) => type === "ack")).toEqual([]);
  });

  test("a controller that falls silent is left after 3 s", async () => {
    await seconds(node, 20);
    node.controller.mute = true;
    await seconds(node, 2);
    expect(node.controller.closedFor).toBeUndefined();
    await seconds(node, 2);
    expect(node.controller.closedFor).toMatch("nothing heard from the controller for 3000 ms");
  });

  test("one whose stream somebody dialled is left to them, and hears what it missed but statistics", async () => {
    const said: string[] = [];
    const line = { silent: (ms: number) => said.push(`silent ${ms}`), heard: () => said.push("heard") };
    const stalled = await node.connect(undefined, line);
    await readyServer({ health: PATIENT });
    const ticket = ticketOf(await node.controller.ask(grant("x")));
    stalled.mute = true;
    await seconds(node, 5);
    expect(said).toEqual(["silent 3000"]);
    await node.gate.call("POST", "/v1/stats", { responseMs: 1 });
    await node.gate.call("POST", "/v1/players/join", { ticket });
    await seconds(node, 2);
    expect(stalled.told).toEqual(["ready", "granted", "joined x"]);
    stalled.mute = false;
    await seconds(node, 1);
    await node.gate.call("POST", "/v1/stats", { responseMs: 2 });
    await seconds(node, 2);
    expect(said).toEqual(["silent 3000", "heard"]);
    expect(stalled.told).toEqual(["ready", "granted", "joined x", "stats"]);
    expect(stalled.snapshots).toHaveLength(1);
    expect(stalled.closedFor).toBeUndefined();
  });

  test("states that servers save while a controller says nothing are told once it speaks, the newest of each", async () => {
    const stalled = await node.connect(undefined, { silent: () => undefined, heard: () => undefined });
    await readyServer({ health: PATIENT });
    const save = (server: string) => node.gate.call("POST", "/v1/snapshot", { server });
    await save("before");
    stalled.mute = true;
    await seconds(node, 5);
    await save("meanwhile");
    await save("last");
    await seconds(node, 1);
    const states = (): readonly string[] =>
      stalled.events.flatMap((event) => (event.kind === "saved" ? [event.state.data] : []));
    expect(states()).toEqual(["before"]);
    stalled.mute = false;
    await seconds(node, 3);
    expect(states()).toEqual(["before", "last"]);
  });

  test("a controller that says nothing while more than a snapshot's worth waits for it is left", async () => {
    const stalled = await node.connect(undefined, { silent: () => undefined, heard: () => undefined });
    await readyServer({ health: PATIENT });
    const label = async (times: number): Promise<void> => {
      const value = "x".repeat(60_000);
      for (let i = 0; i < times; i++)
        void node.controller.ask({ kind: "labels", ...on, labels: {}, annotations: { text: value + String(i) } });
      await settled();
    };
    await label(20);
    expect(stalled.closedFor).toBeUndefined();
    stalled.mute = true;
    await seconds(node, 5);
    await label(10);
    expect(stalled.closedFor).toBeUndefined();
    await label(20);
    expect(stalled.closedFor).toMatch("it does not read what it is told");
  });
});

describe("seats", () => {
  test("two leaders of one epoch after the other cannot overfill a server", async () => {
    await readyServer({ maxPlayers: 1 });
    const other = await node.connect();
    const acks = await Promise.all([node.controller.ask(grant("x")), other.ask(grant("y"))]);
    expect(acks.map(({ ok }) => ok).sort()).toEqual([false, true]);
  });

  test("an unjoined seat goes back when its lease ends", async () => {
    await readyServer({ maxPlayers: 1, health: PATIENT });
    await node.controller.ask(grant("x"));
    await seconds(node, 29);
    expect(node.controller.told).toEqual(["ready"]);
    await seconds(node, 1);
    expect(node.controller.told).toEqual(["ready", "left x leaseExpired"]);
    expect((await node.connect()).snapshots[0]?.servers[0]?.seats).toEqual([]);
  });

  test("a lease that is over makes a server neither full nor busy, though it is not yet swept", async () => {
    await readyServer({ maxPlayers: 1, health: PATIENT });
    // The agent sweeps at whole seconds of its own.
    node.clock.advance(500);
    await node.controller.ask(grant("x"));
    await seconds(node, 30);
    expect(node.controller.told).toEqual(["ready"]);
    expect(await node.controller.ask(grant("y"))).toMatchObject({ ok: true });
    expect(node.controller.told).toEqual(["ready", "left x leaseExpired"]);
    // Who hears of the new seat first would count one too many.
    expect(node.controller.messages.slice(-2).map(({ type }) => type)).toEqual(["report", "ack"]);
    await seconds(node, 30);
    expect(await node.controller.ask({ kind: "close", ...on, onlyIfEmpty: true })).toMatchObject({ ok: true });
  });

  test("granting again gives a new ticket for the same seat", async () => {
    await readyServer();
    const first = await node.controller.ask(grant("x"));
    node.clock.advance(500);
    const second = await node.controller.ask(grant("x"));
    expect(second).toMatchObject({ ok: true, free: 3 });
    expect(ticketOf(second)).not.toBe(ticketOf(first));
    expect(await node.gate.call("POST", "/v1/players/join", { ticket: ticketOf(second) })).toMatchObject({
      status: 200,
    });
  });

  test("a claim holds the server until it says ready again", async () => {
    await readyServer();
    const seats = [seatRequest("x")];
    const claim = { kind: "claim", ...on, matchId: "m", seats, leaseMs: 30_000 } as const;
    expect(await node.controller.ask(claim)).toMatchObject({ ok: true, seats: [{ sessionId: "x" }] });
    expect(await node.controller.ask(claim)).toMatchObject({ ok: true });
    expect(await node.controller.ask({ ...claim, matchId: "n" })).toMatchObject({ ok: false, code: "claimed" });
    await node.gate.call("POST", "/v1/ready", {}, { repeated: true });
    expect(await node.controller.ask(grant("y"))).toMatchObject({ ok: false, code: "claimed" });
    await node.gate.call("POST", "/v1/ready");
    await settled();
    expect(node.controller.told).toEqual(["ready", "left x matchEnded", "matchEnded"]);
    expect(await node.controller.ask(grant("y"))).toMatchObject({ ok: true });
  });

  test("a seat beside a match that is over begins it no second time", async () => {
    await readyServer();
    const claim = { kind: "claim", ...on, matchId: "m", leaseMs: 30_000 } as const;
    expect(await node.controller.ask({ ...claim, seats: [seatRequest("x")] })).toMatchObject({ ok: true });
    const beside = { ...claim, seats: [seatRequest("y")], ongoing: true } as const;
    await node.gate.call("POST", "/v1/ready");
    expect(await node.controller.ask(beside)).toMatchObject({ ok: false, code: "matchOver" });
    expect(await node.controller.ask(grant("z"))).toMatchObject({ ok: true });
  });

  test("close only if empty; then no seat, and its end is no failure", async () => {
    await readyServer();
    await node.controller.ask(grant("x"));
    const close = { kind: "close", ...on, onlyIfEmpty: true } as const;
    expect(await node.controller.ask(close)).toMatchObject({ ok: false, code: "notEmpty" });
    await node.controller.ask({ kind: "release", ...on, seats: [{ sessionId: "x", generation: 1 }], reason: "moved" });
    expect(await node.controller.ask(close)).toMatchObject({ ok: true });
    expect(await node.controller.ask(close)).toMatchObject({ ok: true });
    expect(await node.controller.ask(grant("y"))).toMatchObject({ ok: false, code: "closed" });
    node.gate.channel.send({ type: "streamOpened", serverId: "s1", streams: 1 });
    node.gate.channel.send({ type: "streamEnded", serverId: "s1", streams: 0 });
    await settled();
    expect(node.controller.told).toEqual(["ready", "left x released"]);
  });
});

describe("which server", () => {
  test("unknown, and known in another allocation", async () => {
    expect(await node.controller.ask(grant("x"))).toMatchObject({ ok: false, code: "unknownServer" });
    await readyServer();
    expect(await node.controller.ask({ ...grant("x"), allocationId: "a0" } as RequestBody)).toMatchObject({
      ok: false,
      code: "otherAllocation",
    });
  });

  test("a new allocation of the same server ends the one before", async () => {
    await readyServer();
    const ack = await node.controller.ask(grant("x"));
    await node.controller.ask({ kind: "expect", server: expectedServer({ allocationId: "a2" }) });
    await settled();
    expect(node.controller.events.at(-1)).toMatchObject({ kind: "gone", allocationId: "a1" });
    expect(await node.controller.ask(grant("y"))).toMatchObject({ ok: false, code: "gone" });
    expect(await node.gate.call("POST", "/v1/players/join", { ticket: ticketOf(ack) })).toMatchObject({
      status: 403,
      body: { code: "ticketForeign" },
    });
    expect((await node.connect()).snapshots[0]?.servers).toMatchObject([
      { allocationId: "a1", gone: { reason: "allocation a2 has taken its place" }, seats: [{ sessionId: "x" }] },
      { allocationId: "a2", ready: false },
    ]);
  });

  test("expected again with the processes known, it goes on as it is and is watched anew", async () => {
    await readyServer({ pids: {} });
    await node.controller.ask(grant("x"));
    const before = node.probes.get("s1");
    await node.controller.ask({ kind: "expect", server: expectedServer() });
    expect(node.probes.get("s1")).not.toBe(before);
    await node.controller.ask({ kind: "expect", server: expectedServer() });
    expect((await node.connect()).snapshots[0]?.servers).toMatchObject([{ ready: true, seats: [{ sessionId: "x" }] }]);
  });

  test("ended, then forgotten: nothing of it is left, twice is no error", async () => {
    await readyServer();
    await node.controller.ask(grant("x"));
    await node.controller.ask({ kind: "ended", ...on, reason: "exit 0" });
    await settled();
    expect(node.probes.size).toBe(0);
    expect(node.gate.told.at(-1)).toEqual({ type: "closeServer", serverId: "s1" });
    expect(node.controller.events.at(-1)).toMatchObject({ kind: "gone", reason: "exit 0" });
    await seconds(node, 1);
    for (const _ of [1, 2]) expect(await node.controller.ask({ kind: "forget", ...on })).toMatchObject({ ok: true });
    await node.restart();
    expect(node.controller.snapshots[0]?.servers).toEqual([]);
  });
});

describe("a restart", () => {
  test("brings back everything that was promised", async () => {
    await readyServer();
    const ack = await node.controller.ask(grant("x", "y"));
    await node.gate.call("POST", "/v1/players/join", { ticket: ticketOf(ack) });
    await node.controller.ask({ kind: "labels", ...on, labels: { map: "dust" }, annotations: { a: "b" } });
    await node.controller.ask({ kind: "labels", ...on, labels: { map: null, mode: "duel" }, annotations: {} });
    const before = (await node.connect()).snapshots[0];
    expect(before?.servers[0]).toMatchObject({ labels: { mode: "duel" }, annotations: { a: "b" } });

    await node.restart();

    expect(node.controller.snapshots[0]).toEqual(before);
    expect(before?.servers[0]?.seats.map((seat) => [seat.sessionId, seat.joined])).toEqual([
      ["x", true],
      ["y", false],
    ]);
    expect(node.gate.told).toContainEqual(expect.objectContaining({ type: "open", serverId: "s1" }));
    expect(node.probes.has("s1")).toBe(true);
    expect(await node.gate.call("POST", "/v1/players/join", { ticket: ticketOf(ack, 1) })).toMatchObject({
      status: 200,
    });
  });

  test("leases end when they would have", async () => {
    await readyServer();
    await node.controller.ask(grant("x"));
    node.clock.advance(20_000);
    await node.restart();
    node.clock.advance(9000);
    expect((await node.connect()).snapshots[0]?.servers[0]?.seats).toHaveLength(1);
    node.clock.advance(1000);
    expect((await node.connect()).snapshots[0]?.servers[0]?.seats).toHaveLength(0);
  });

  test.each([
    ["ended", undefined],
    ["whose pid is another's by now", "another"],
  ])("finds a server gone, its process %s", async (_what, started) => {
    await readyServer();
    await node.controller.ask(grant("x"));
    node.processes.set(4242, started);
    await node.restart();
    expect(node.controller.snapshots[0]?.servers).toMatchObject([
      { gone: { reason: "its process 4242 (server) ended while the agent was away" }, seats: [{ sessionId: "x" }] },
    ]);
  });
});
