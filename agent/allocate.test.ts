import type { AllocateOrder } from "../protocol/allocation";
import { expectedServer, PATIENT, seatRequest, settled, TestNode } from "./test-node";

let node: TestNode;
const on = { serverId: "s1", allocationId: "a1" };

beforeEach(async () => {
  node = await TestNode.start();
  await node.controller.ask({
    kind: "expect",
    server: expectedServer({
      seats: "match",
      health: PATIENT,
      counters: { rooms: { count: 1, capacity: 3 } },
      lists: { teams: { capacity: 2, values: ["red"] } },
    }),
  });
  await node.gate.call("POST", "/v1/ready");
});
afterEach(() => node.stop());

const allocate = (over: Partial<AllocateOrder> = {}) =>
  node.controller.ask({
    kind: "allocate",
    ...on,
    order: {
      matchId: "m1",
      from: "ready",
      labels: {},
      annotations: {},
      require: { counters: {}, lists: {} },
      change: { counters: {}, lists: {} },
      ...over,
    },
  });
const rooms = (minAvailable: number) => ({
  counters: { rooms: { minCount: 0, maxCount: 0, minAvailable, maxAvailable: 0 } },
  lists: {},
});
const more = {
  counters: { rooms: { action: "Increment", amount: 1 }, none: { capacity: 9 } },
  lists: { teams: { addValues: ["blue", "green"] } },
} as const;

test("claims, labels and counts in one step, and the server sees itself allocated", async () => {
  const ack = await allocate({ labels: { mode: "duel" }, annotations: { match: "4711" }, change: more });
  expect(ack).toMatchObject({
    ok: true,
    counts: {
      counters: { rooms: { count: 2, capacity: 3 } },
      lists: { teams: { capacity: 2, values: ["red", "blue"] } },
    },
  });
  const { body } = await node.gate.call("GET", "/v1/gameserver");
  expect(body).toMatchObject({ state: "allocated", labels: { mode: "duel" }, annotations: { match: "4711" } });
});

test("refuses a second claim, and changes nothing of it; the same claim again changes nothing either", async () => {
  await allocate({ change: more });
  expect(await allocate({ matchId: "m2", labels: { stolen: "1" }, change: more })).toMatchObject({ code: "claimed" });
  expect(await allocate({ change: more })).toMatchObject({ ok: true, counts: { counters: { rooms: { count: 2 } } } });
  expect((await node.gate.call("GET", "/v1/gameserver")).body).toMatchObject({ labels: {} });
});

test("looks at counters once more: one room is never given twice", async () => {
  await allocate({ require: rooms(1), change: more });
  const again = { from: "allocated", require: rooms(1), change: more } as const;
  expect(await allocate({ matchId: "m2", ...again })).toMatchObject({ ok: true });
  expect(await allocate({ matchId: "m3", ...again })).toMatchObject({ ok: false, code: "full" });
});

test("shares only a server that is allocated, and claims only one that nobody is on", async () => {
  expect(await allocate({ from: "allocated" })).toMatchObject({ code: "notReady" });
  await node.controller.ask({ kind: "grant", ...on, seats: [seatRequest("x")], leaseMs: 30_000 });
  expect(await allocate()).toMatchObject({ code: "notEmpty" });
});

test("is in the journal: claim, labels and counts are there after a restart, and Ready ends it", async () => {
  await allocate({ labels: { mode: "duel" }, change: more });
  await node.restart();
  const report = node.controller.snapshots.at(-1)?.servers[0];
  expect(report).toMatchObject({
    claim: { matchId: "m1", sessionIds: [] },
    labels: { mode: "duel" },
    counters: { rooms: { count: 2, capacity: 3 } },
  });
  await node.gate.call("POST", "/v1/ready");
  await settled();
  expect(node.controller.events).toContainEqual(expect.objectContaining({ kind: "matchEnded", matchId: "m1" }));
});

test("where the journal cannot be written nothing of it was done", async () => {
  node.disk.writeSync = () => {
    throw new Error("no space");
  };
  expect(await allocate({ labels: { mode: "duel" }, change: more })).toMatchObject({ ok: false, code: "journal" });
  node.disk.writeSync = (await import("node:fs")).writeSync;
  const { body } = await node.gate.call("GET", "/v1/gameserver");
  expect(body).toMatchObject({ state: "ready", labels: {} });
  expect(await allocate({ change: more })).toMatchObject({ ok: true, counts: { counters: { rooms: { count: 2 } } } });
});

test("a server that allocated itself is shared like any other, and nobody's to claim", async () => {
  await node.stop();
  node = await TestNode.start();
  const server = expectedServer({
    sdk: "agones",
    seats: "match",
    health: PATIENT,
    counters: { rooms: { count: 1, capacity: 3 } },
  });
  await node.controller.ask({ kind: "expect", server });
  await node.gate.call("POST", "/agones.dev.sdk.SDK/Allocate");
  await settled();
  expect(await allocate()).toMatchObject({ ok: false, code: "claimed" });
  expect(await allocate({ from: "allocated", require: rooms(1), change: more, labels: { shared: "1" } })).toMatchObject(
    {
      ok: true,
      counts: { counters: { rooms: { count: 2, capacity: 3 } } },
    },
  );
  await node.gate.call("POST", "/agones.dev.sdk.SDK/Ready");
  expect(await allocate({ from: "allocated" })).toMatchObject({ ok: false, code: "notReady" });
});
