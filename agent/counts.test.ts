import { expectedServer, PATIENT, seconds, settled, TestNode } from "./test-node";

let node: TestNode;
beforeEach(async () => {
  node = await TestNode.start();
});
afterEach(() => node.stop());

const ROOMS = { rooms: { count: 0, capacity: 4 } };
const MAPS = { maps: { capacity: 3, values: ["dust"] } };

function counted() {
  return expectedServer({ health: PATIENT, counters: ROOMS, lists: MAPS, tracked: { capacity: 2, values: [] } });
}

function count(countDiff: string) {
  const counterUpdateRequest = { name: "rooms", countDiff };
  return node.gate.call("POST", "/agones.dev.sdk.beta.SDK/UpdateCounter", { counterUpdateRequest });
}

it("tells what a server counts begins with, and nothing of a server that counts nothing", async () => {
  await node.controller.ask({ kind: "expect", server: counted() });
  await node.controller.ask({ kind: "expect", server: expectedServer({ serverId: "s2", health: PATIENT }) });
  const [first, second] = (await node.connect()).snapshots[0]?.servers ?? [];
  expect(first).toMatchObject({ counters: ROOMS, lists: MAPS, tracked: { capacity: 2, values: [] } });
  expect(second).not.toHaveProperty("counters");
});

it("keeps counts through a restart, and through being told of the server again", async () => {
  await node.controller.ask({ kind: "expect", server: counted() });
  expect(await count("2")).toMatchObject({ status: 200 });
  await node.restart();
  await node.controller.ask({ kind: "expect", server: { ...counted(), pids: { server: 77 } } });
  expect((await node.connect()).snapshots[0]?.servers[0]?.counters).toEqual({ rooms: { count: 2, capacity: 4 } });
});

it("takes back a count that the journal did not take", async () => {
  await node.controller.ask({ kind: "expect", server: counted() });
  const write = node.disk.writeSync;
  node.disk.writeSync = () => {
    throw new Error("ENOSPC");
  };
  const answer = count("1");
  await settled();
  node.disk.writeSync = write;
  expect((await answer).status).toBe(503);
  expect(await node.gate.call("POST", "/agones.dev.sdk.beta.SDK/GetCounter", { name: "rooms" })).toMatchObject({
    body: { count: "0" },
  });
});

it("tells changes within a quarter of a second as one", async () => {
  await node.controller.ask({ kind: "expect", server: counted() });
  await Promise.all(["1", "1", "1", "1"].map(count));
  await seconds(node, 1);
  const told = node.controller.events.filter(({ kind }) => kind === "counts");
  expect(told).toMatchObject([{ counters: { rooms: { count: 4, capacity: 4 } }, lists: {} }]);
});

it("tells a controller of an earlier version nothing of counts, which would be no message to it", async () => {
  const older = await node.connect(1);
  await node.controller.ask({ kind: "expect", server: counted() });
  await count("1");
  await node.gate.call("POST", "/v1/ready");
  await seconds(node, 1);
  expect(node.controller.told).toContain("counts");
  expect(older.told).toEqual(node.controller.told.filter((kind) => kind !== "counts"));
  expect(older.told).toContain("ready");
});
