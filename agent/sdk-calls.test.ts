import type { ExpectedServer } from "../protocol/messages";
import { sealTicket, serverTicketKey, type TicketClaims } from "../protocol/ticket";
import { expectedServer, PATIENT, seatRequest, seconds, settled, TestNode, ticketOf } from "./test-node";

let node: TestNode;
const on = { serverId: "s1", allocationId: "a1" };
const SECRET = "a-ticket-secret-of-the-tests";

beforeEach(async () => {
  node = await TestNode.start();
});
afterEach(() => node.stop());

async function readyServer(changes: Partial<ExpectedServer> = {}): Promise<void> {
  await node.controller.ask({ kind: "expect", server: expectedServer(changes) });
  await node.gate.call("POST", "/v1/ready");
}

async function ticketFor(sessionId: string, changes: Parameters<typeof seatRequest>[1] = {}): Promise<string> {
  const seats = [seatRequest(sessionId, changes)];
  return ticketOf(await node.controller.ask({ kind: "grant", ...on, seats, leaseMs: 30_000 }));
}

const join = (ticket: string, more: object = {}) => node.gate.call("POST", "/v1/players/join", { ticket, ...more });

describe("players/join", () => {
  const sealed = (changes: Partial<TicketClaims>, secret = SECRET): string => {
    const claims = { sessionId: "x", playerId: "player-x", ...on, generation: 1, expiresAtMs: node.clock.now() + 1000 };
    const all = { ...claims, ...changes };
    return sealTicket(serverTicketKey(secret, all.serverId, all.allocationId), all);
  };

  test.each<[string, string, () => string]>([
    ["no ticket", "ticketMalformed", () => "hello"],
    ["one sealed with another key", "ticketSignature", () => sealed({}, "another-run's-secret")],
    ["one of no server of this run", "ticketSignature", () => sealed({ serverId: "s9" }, "another-run's-secret")],
    [
      "one with other claims under its seal",
      "ticketSignature",
      () => `${sealed({ generation: 9 }).split(".")[0]}.${sealed({}).split(".")[1]}`,
    ],
    ["one for another server", "ticketForeign", () => sealed({ serverId: "s9" })],
    ["one for another allocation", "ticketForeign", () => sealed({ allocationId: "a9" })],
    ["one that has expired", "ticketExpired", () => sealed({ expiresAtMs: node.clock.now() })],
    ["one for a seat that nobody granted", "seatGone", () => sealed({ sessionId: "nobody" })],
    ["one of another player", "ticketForeign", () => sealed({ playerId: "thief" })],
    ["one of an older generation", "olderGeneration", () => sealed({ generation: 0 })],
  ])("%s is refused: %s", async (_what, code, ticket) => {
    await readyServer();
    await ticketFor("x");
    const answer = await join(ticket());
    expect(answer).toMatchObject({ status: 403, body: { type: "about:blank", status: 403, code } });
    expect(answer.body["detail"]).not.toBe("");
    expect(await node.gate.call("GET", "/v1/players")).toMatchObject({ body: { players: [] } });
  });

  test("while the secret is being changed, tickets of the one before are taken, and the server hears of both keys", async () => {
    let secrets: [string, ...string[]] = [SECRET];
    await node.stop();
    node = await TestNode.start({ ticketSecret: () => secrets });
    await readyServer();
    const before = await ticketFor("x");
    const key = serverTicketKey("the-next-ticket-secret", "s1", "a1");
    secrets = ["the-next-ticket-secret", SECRET];
    node.agent.ticketSecretChanged();
    expect(await node.gate.call("GET", "/v1/gameserver")).toMatchObject({
      body: { ticketKey: key, ticketKeys: [key, serverTicketKey(SECRET, "s1", "a1")] },
    });
    const after = await ticketFor("y", { playerId: "player-y" });
    expect(await join(before)).toMatchObject({ status: 200 });
    expect(await join(after)).toMatchObject({ status: 200 });
    secrets = ["the-next-ticket-secret"];
    node.agent.ticketSecretChanged();
    expect(await join(before)).toMatchObject({ status: 403, body: { code: "ticketSignature" } });
  });

  test("a used ticket is refused, unless the server says that its player is back", async () => {
    await readyServer();
    const ticket = await ticketFor("x");
    expect(await join(ticket)).toMatchObject({ status: 200 });
    expect(await join(ticket)).toMatchObject({ status: 403, body: { code: "ticketReplayed" } });
    await seconds(node, 60);
    expect(await join(ticket)).toMatchObject({ status: 403, body: { code: "ticketExpired" } });
    expect(await join(ticket, { rejoin: true })).toMatchObject({ status: 200, body: { admitted: true } });
    await settled();
    expect(node.controller.told.filter((kind) => kind === "joined x")).toHaveLength(1);
    await node.gate.call("POST", "/v1/players/leave", { playerId: "player-x" });
    expect(await join(ticket, { rejoin: true })).toMatchObject({ status: 403, body: { code: "ticketExpired" } });
  });

  test("a call that the gate repeats finds its own effect", async () => {
    await readyServer();
    const ticket = await ticketFor("x");
    await join(ticket);
    expect(await node.gate.call("POST", "/v1/players/join", { ticket }, { repeated: true })).toMatchObject({
      status: 200,
    });
  });

  test("a moved player's state comes with them, and its age", async () => {
    await readyServer();
    const ticket = await ticketFor("x", { restore: { data: "score 7", savedAtMs: node.clock.now() - 1500 } });
    expect(await join(ticket)).toMatchObject({ body: { restore: { data: "score 7", ageMs: 1500 } } });
  });
});

describe("snapshot", () => {
  test("is told to controllers, now and when they connect; not of strangers; gone with the player", async () => {
    await readyServer();
    await join(await ticketFor("x"));
    const body = { server: "round 3", players: { "player-x": "score 7", stranger: "?" } };
    expect(await node.gate.call("POST", "/v1/snapshot", body)).toMatchObject({ status: 200 });
    await settled();
    const saved = (events: readonly object[]) => events.filter((event) => "state" in event);
    const expected = [
      expect.objectContaining({ state: { serverId: "s1", data: "round 3", atMs: node.clock.now() } }),
      expect.objectContaining({
        state: { serverId: "s1", playerId: "player-x", data: "score 7", atMs: node.clock.now() },
      }),
    ];
    expect(saved(node.controller.events)).toEqual(expected);
    const second = await node.connect();
    await settled();
    expect(saved(second.events)).toEqual(expected);
    await node.gate.call("POST", "/v1/players/leave", { playerId: "player-x" });
    const third = await node.connect();
    await settled();
    expect(saved(third.events)).toEqual([expected[0]]);
  });

  test.each([
    ["a player's over 4 KiB", { players: { "player-x": "ü".repeat(2049) } }, 413, "snapshotTooLarge"],
    ["a server's over 256 KiB", { server: "x".repeat(256 * 1024 + 1) }, 413, "snapshotTooLarge"],
    ["one that is no text", { server: 7 }, 400, "malformed"],
  ])("%s is refused, and nothing of it is kept", async (_what, body, status, code) => {
    await readyServer();
    expect(await node.gate.call("POST", "/v1/snapshot", { server: "ok", ...body })).toMatchObject({
      status,
      body: { code },
    });
    await settled();
    expect(node.controller.events.filter(({ kind }) => kind === "saved")).toEqual([]);
  });

  test("just at the limits it is kept", async () => {
    await readyServer();
    await ticketFor("x");
    const body = { server: "x".repeat(256 * 1024), players: { "player-x": "x".repeat(4096) } };
    expect(await node.gate.call("POST", "/v1/snapshot", body)).toMatchObject({ status: 200 });
  });
});

test("gameserver: what a server may know of itself, its key among it", async () => {
  await readyServer({ restore: { data: "round 2", savedAtMs: node.clock.now() - 100 } });
  const ticket = await ticketFor("x");
  await join(ticket);
  const { body } = await node.gate.call("GET", "/v1/gameserver");
  expect(body).toMatchObject({
    ...on,
    experienceId: "arena",
    maxPlayers: 4,
    ticketKey: serverTicketKey(SECRET, "s1", "a1"),
    state: "allocated",
    players: [{ playerId: "player-x", joinedAt: new Date(node.clock.now()).toISOString() }],
    restore: { data: "round 2", ageMs: 100 },
  });
  expect(JSON.stringify(body)).not.toContain("token");
  await node.gate.call("POST", "/v1/snapshot", { server: "round 3" });
  expect((await node.gate.call("GET", "/v1/gameserver")).body).toMatchObject({ restore: null });
});

test("states, as the server sees them", async () => {
  const state = async () => (await node.gate.call("GET", "/v1/gameserver")).body["state"];
  await node.controller.ask({ kind: "expect", server: expectedServer({ health: PATIENT }) });
  expect(await state()).toBe("starting");
  await node.gate.call("POST", "/v1/ready");
  expect(await state()).toBe("ready");
  await node.gate.call("POST", "/v1/reserve", { seconds: 10 });
  expect(await state()).toBe("reserved");
  await seconds(node, 10);
  expect(await state()).toBe("ready");
  await node.controller.ask({ kind: "notice", ...on, notice: { kind: "draining", deadlineMs: 0, reason: "r" } });
  expect(await state()).toBe("draining");
  expect(node.controller.told).toEqual(["ready", "reserved", "ready"]);
});

test("reserved without end: no seat until it says ready", async () => {
  await readyServer();
  await node.gate.call("POST", "/v1/reserve", { seconds: 0 });
  await seconds(node, 3);
  const grant = { kind: "grant", ...on, seats: [seatRequest("x")], leaseMs: 1000 } as const;
  expect(await node.controller.ask(grant)).toMatchObject({ ok: false, code: "notReady" });
  expect((await node.connect()).snapshots[0]?.servers[0]).toMatchObject({ reserved: true });
  await node.gate.call("POST", "/v1/ready");
  expect(await node.controller.ask(grant)).toMatchObject({ ok: true });
});

test("labels and annotations: set, changed, taken off, told", async () => {
  await readyServer();
  await node.gate.call("PUT", "/v1/labels", { map: "dust", mode: "duel" });
  await node.gate.call("PUT", "/v1/labels", { mode: null });
  await node.gate.call("PUT", "/v1/annotations", { note: "hi" });
  await settled();
  expect(node.controller.events.at(-1)).toMatchObject({
    kind: "labels",
    labels: { map: "dust" },
    annotations: { note: "hi" },
  });
});

test("labels: a refusal says of which key and why, and nothing of the call counts", async () => {
  await readyServer();
  expect(await node.gate.call("PUT", "/v1/labels", { map: "dust", "a b": "c" })).toMatchObject({
    status: 400,
    body: { detail: expect.stringMatching(/the key "a b": letters, digits/) as string },
  });
  expect((await node.gate.call("GET", "/v1/gameserver")).body).toMatchObject({ labels: {} });
});

test("labels and annotations up to their limits, and under Agones' prefix, are taken", async () => {
  await readyServer();
  const labels = { [`agones.dev/sdk-${"k".repeat(48)}`]: "v".repeat(256), empty: "" };
  expect(await node.gate.call("PUT", "/v1/labels", labels)).toMatchObject({ status: 200 });
  expect(await node.gate.call("PUT", "/v1/annotations", { k: "ü".repeat(4096) })).toMatchObject({ status: 200 });
  expect((await node.gate.call("GET", "/v1/gameserver")).body).toMatchObject({ labels });
});

test("a label that an earlier version took can be taken off", async () => {
  const long = `agones.dev/sdk-${"k".repeat(63)}`;
  await readyServer({ labels: { "a b": "c", [long]: "v", kept: "" } });
  expect(await node.gate.call("PUT", "/v1/labels", { "a b": null, [long]: null })).toMatchObject({ status: 200 });
  expect((await node.gate.call("GET", "/v1/gameserver")).body["labels"]).toEqual({ kept: "" });
});

test("labels that it was started with are the server's, and are not given back by its own", async () => {
  const given = { labels: { map: "dust" }, annotations: { note: "first" } };
  await readyServer(given);
  expect((await node.gate.call("GET", "/v1/gameserver")).body).toMatchObject(given);
  await node.gate.call("PUT", "/v1/labels", { mode: "duel" });
  const both = { labels: { map: "dust", mode: "duel" }, annotations: given.annotations };
  await settled();
  expect(node.controller.events.at(-1)).toMatchObject({ kind: "labels", ...both });
  // A new leader says again what it expects: what the server has is newer.
  await node.controller.ask({ kind: "expect", server: expectedServer({ ...given, labels: {} }) });
  await node.restart();
  expect(node.controller.snapshots[0]?.servers[0]).toMatchObject(both);
});

test("shutdown: told, and then the end of the stream is no failure", async () => {
  await readyServer();
  node.gate.channel.send({ type: "streamOpened", serverId: "s1", streams: 1 });
  await node.gate.call("POST", "/v1/shutdown");
  node.gate.channel.send({ type: "streamEnded", serverId: "s1", streams: 0 });
  await settled();
  expect(node.controller.told).toEqual(["ready", "shutdownAsked"]);
});

test("stats: the server's own numbers with what is measured, at most once a second", async () => {
  await readyServer();
  await join(await ticketFor("x"));
  for (let i = 0; i < 5; i++) await node.gate.call("POST", "/v1/stats", { responseMs: i, players: 99 });
  node.probes.get("s1")?.({ kind: "usage", cpu: 0.5, memoryBytes: 1000, throttled: 0.25 });
  await seconds(node, 3);
  expect(node.controller.events.filter(({ kind }) => kind === "stats")).toEqual([
    expect.objectContaining({
      stats: {
        cpu: 0.5,
        memoryBytes: 1000,
        throttled: 0.25,
        players: 1,
        responseMs: 4,
        atMs: expect.any(Number) as number,
      },
    }),
  ]);
});

test.each<[string, string, string, unknown, number, string]>([
  ["an unknown call", "POST", "/v1/dance", {}, 404, "unknownCall"],
  ["a wrong method", "GET", "/v1/ready", undefined, 404, "unknownCall"],
  ["a ticket that is no text", "POST", "/v1/players/join", { ticket: 1 }, 400, "malformed"],
  ["no body at all", "POST", "/v1/players/leave", undefined, 400, "malformed"],
  ["a negative time", "POST", "/v1/reserve", { seconds: -1 }, 400, "malformed"],
  ["a label's key that no selector takes", "PUT", "/v1/labels", { "a b": "c" }, 400, "malformed"],
  ["a label's key of 64 characters", "PUT", "/v1/labels", { ["k".repeat(64)]: "v" }, 400, "malformed"],
  ["a label without a key", "PUT", "/v1/labels", { "": "v" }, 400, "malformed"],
  ["a label of 257 characters", "PUT", "/v1/labels", { k: "v".repeat(257) }, 400, "malformed"],
  ["an annotation's key with a space", "PUT", "/v1/annotations", { "a b": "c" }, 400, "malformed"],
  ["an annotation of 4097 characters", "PUT", "/v1/annotations", { k: "v".repeat(4097) }, 400, "malformed"],
  [
    "too many labels",
    "PUT",
    "/v1/labels",
    Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, "v"])),
    400,
    "malformed",
  ],
])("%s is refused", async (_what, method, path, body, status, code) => {
  await readyServer();
  expect(await node.gate.call(method, path, body)).toMatchObject({ status, body: { status, code } });
});

test("a server that is unknown or given up is told so", async () => {
  expect(await node.gate.call("POST", "/v1/ready")).toMatchObject({ status: 404, body: { code: "unknownServer" } });
  await readyServer();
  await node.controller.ask({ kind: "ended", ...on, reason: "killed" });
  expect(await node.gate.call("POST", "/v1/ready")).toMatchObject({ status: 410, body: { code: "serverGone" } });
});
