import type { AgentEvent, RequestBody, SeatReport } from "../protocol/messages";
import { PROTOCOL_VERSION } from "../protocol/versions";
import { expectedServer, PATIENT, seatRequest, settled, TestNode, type TestController } from "./test-node";

/** What controllers hear of the seats that another one was given. */

let node: TestNode;
beforeEach(async () => {
  node = await TestNode.start();
});
afterEach(() => node.stop());

const on = { serverId: "s1", allocationId: "a1" };

function grant(...sessions: string[]): RequestBody {
  return { kind: "grant", ...on, seats: sessions.map((id) => seatRequest(id)), leaseMs: 30_000 };
}

async function readyServer(changes: Parameters<typeof expectedServer>[0] = {}): Promise<void> {
  await node.controller.ask({ kind: "expect", server: expectedServer({ health: PATIENT, ...changes }) });
  await node.gate.call("POST", "/v1/ready");
}

type Granted = Extract<AgentEvent, { kind: "granted" }>;

function grants({ events }: TestController): readonly Granted[] {
  return events.filter((event): event is Granted => event.kind === "granted");
}

async function snapshotSeats(): Promise<readonly SeatReport[]> {
  return (await node.connect()).snapshots[0]?.servers[0]?.seats ?? [];
}

it("is told to all but who asked, as a snapshot has the seats, with the epoch that they were given to", async () => {
  const standbys = [await node.connect(), await node.connect()];
  await readyServer();
  await node.controller.ask(grant("x", "y"), 7);
  for (const standby of standbys)
    expect(grants(standby)).toEqual([
      {
        kind: "granted",
        ...on,
        atMs: node.clock.now(),
        epoch: 7,
        seats: await snapshotSeats(),
        matchId: undefined,
      },
    ]);
  expect(grants(node.controller)).toEqual([]);
});

it("is told before the answer is given, so that no player is told of a seat that only the leader knows", async () => {
  const standby = await node.connect();
  await readyServer();
  const toldAtAnswer = node.controller.ask(grant("x")).then(() => grants(standby).length);
  expect(await toldAtAnswer).toBe(1);
});

it("names the match that has the whole server, with its players or without", async () => {
  const standby = await node.connect();
  await readyServer({ seats: "match" });
  const seats = [seatRequest("x", {}, { matchId: "m1" })];
  await node.controller.ask({ kind: "claim", ...on, matchId: "m1", seats, leaseMs: 30_000 });
  await node.gate.call("POST", "/v1/ready");
  const change = { counters: {}, lists: {} };
  const order = { matchId: "m2", from: "ready" as const, labels: {}, annotations: {}, require: change, change };
  await node.controller.ask({ kind: "allocate", ...on, order });
  await settled();
  expect(grants(standby)).toMatchObject([
    { matchId: "m1", seats: [{ sessionId: "x" }] },
    { matchId: "m2", seats: [] },
  ]);
});

it("is told of the seats that went with their server once that is settled, which the leader knows", async () => {
  const standby = await node.connect();
  await readyServer();
  await node.controller.ask(grant("x"));
  await node.controller.ask({ kind: "ended", ...on, reason: "its process has ended" });
  await settled();
  expect(standby.told).toEqual(["ready", "granted", "gone"]);
  await node.controller.ask({ kind: "forget", ...on });
  await settled();
  expect(standby.told).toEqual(["ready", "granted", "gone", "left x released"]);
  expect(node.controller.told).toEqual(["ready", "gone"]);
});

it("is told all anew once another leads: whoever led before may have stepped down before it heard what it was given", async () => {
  const next = await node.connect();
  const older = await node.connect(PROTOCOL_VERSION - 1);
  await readyServer();
  await node.controller.ask(grant("x"), 7);
  const before = [node.controller, older].map(({ snapshots }) => snapshots.length);
  await next.ask({ kind: "epoch" }, 8);
  await next.ask({ kind: "epoch" }, 8);
  await settled();
  expect([node.controller, older].map(({ snapshots }, at) => snapshots.length - (before[at] ?? 0))).toEqual([1, 0]);
  expect(node.controller.snapshots.at(-1)?.servers[0]?.seats).toMatchObject([{ sessionId: "x" }]);
});

it("is not told of what was refused, nor of what the journal did not take", async () => {
  const standby = await node.connect();
  await readyServer();
  expect(await node.controller.ask(grant("a", "b", "c", "d", "e"))).toMatchObject({ ok: false, code: "full" });
  const write = node.disk.writeSync;
  node.disk.writeSync = () => {
    throw new Error("ENOSPC");
  };
  expect(await node.controller.ask(grant("x"))).toMatchObject({ ok: false, code: "journal" });
  node.disk.writeSync = write;
  expect(grants(standby)).toEqual([]);
});

it("is told nobody whose version does not know it, who hears the rest", async () => {
  const older = await node.connect(PROTOCOL_VERSION - 1);
  const standby = await node.connect();
  await readyServer();
  await node.controller.ask(grant("x"));
  expect(grants(standby)).toHaveLength(1);
  expect(older.told).toEqual(["ready"]);
  expect(older.closedFor).toBeUndefined();
});
