import type { Ack, RequestBody } from "../protocol/messages";
import { expectedServer, seatRequest, settled, TestNode } from "./test-node";

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

function ticketOf(ack: Ack, index = 0): string {
  if (!ack.ok) throw new Error(ack.detail);
  return ack.seats?.[index]?.ticket ?? "";
}

test("a player's whole way: expected, ready, granted, joined, left", async () => {
  expect(await node.controller.ask({ kind: "expect", server: expectedServer() })).toMatchObject({ ok: true });
  expect(node.gate.told).toContainEqual({ type: "open", ...on, port: 7001, token: "token", pids: [4242] });
  expect(await node.controller.ask(grant("x"))).toMatchObject({ ok: false, code: "notReady" });

  expect(await node.gate.call("POST", "/v1/ready")).toMatchObject({ status: 200 });
  const ack = await node.controller.ask(grant("x"));
  expect(ack).toMatchObject({ ok: true, free: 3, epoch: 1 });

  const answer = await node.gate.call("POST", "/v1/players/join", { ticket: ticketOf(ack) });
  expect(answer).toEqual(
    expect.objectContaining({
      status: 200,
      body: { admitted: true, playerId: "player-x", sessionId: "x", generation: 1, restore: null },
    }),
  );
  expect(await node.gate.call("GET", "/v1/players")).toMatchObject({
    body: { players: [{ playerId: "player-x", sessionId: "x", generation: 1 }] },
  });
  expect(await node.gate.call("POST", "/v1/players/leave", { playerId: "player-x" })).toMatchObject({ status: 200 });
  await settled();
  expect(node.controller.told).toEqual(["ready", "joined x", "left x left"]);
});

test("after a restart everything that was promised is still there", async () => {
  await readyServer();
  const ack = await node.controller.ask(grant("x", "y"));
  await node.gate.call("POST", "/v1/players/join", { ticket: ticketOf(ack) });
  await node.controller.ask({ kind: "labels", ...on, labels: { map: "dust" }, annotations: {} });
  const before = (await node.connect()).snapshots[0];

  await node.restart();

  expect(node.controller.snapshots[0]).toEqual(before);
  expect(before?.servers[0]?.seats.map((seat) => [seat.sessionId, seat.joined])).toEqual([
    ["x", true],
    ["y", false],
  ]);
  expect(node.gate.told).toContainEqual(expect.objectContaining({ type: "open", serverId: "s1" }));
  expect(await node.gate.call("POST", "/v1/players/join", { ticket: ticketOf(ack, 1) })).toMatchObject({ status: 200 });
});
