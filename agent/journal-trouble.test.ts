import * as fs from "node:fs";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { frame } from "./journal/frames";
import { expectedServer, PATIENT, seatRequest, seconds, settled, TestNode, ticketOf } from "./test-node";

/** A disk that is full, a journal that is damaged, a second agent: what is told, and what is so afterwards. */
let node: TestNode;
const on = { serverId: "s1", allocationId: "a1" };

beforeEach(async () => {
  node = await TestNode.start();
  await node.controller.ask({ kind: "expect", server: expectedServer({ maxPlayers: 2, health: PATIENT }) });
  await node.gate.call("POST", "/v1/ready");
});
afterEach(() => node.stop());

function fillDisk(full: boolean): void {
  node.disk.writeSync = full
    ? () => {
        throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
      }
    : fs.writeSync;
}

const grant = (...ids: string[]) =>
  node.controller.ask({ kind: "grant", ...on, seats: ids.map((id) => seatRequest(id)), leaseMs: 30_000 });

async function now() {
  return (await node.connect()).snapshots[0]?.servers[0];
}

describe("a full disk", () => {
  test("refuses whatever would be promised, and all is as before", async () => {
    await grant("x");
    const before = await now();
    fillDisk(true);
    const refused = { ok: false, code: "journal", detail: expect.stringMatching("ENOSPC") as string };
    // The second finds no seat because of the first, which then is none: both have to ask again.
    expect(await Promise.all([grant("y"), grant("z")])).toMatchObject([refused, refused]);
    expect(await node.controller.ask({ kind: "claim", ...on, matchId: "m", seats: [], leaseMs: 1 })).toMatchObject({
      code: "notEmpty",
    });
    const seats = [{ sessionId: "x", generation: 1 }];
    expect(await node.controller.ask({ kind: "release", ...on, seats, reason: "" })).toMatchObject(refused);
    expect(await node.controller.ask({ kind: "close", ...on, onlyIfEmpty: false })).toMatchObject(refused);
    expect(await node.controller.ask({ kind: "epoch" }, 9)).toMatchObject({ ...refused, epoch: 1 });
    expect(await node.controller.ask({ kind: "forget", ...on })).toMatchObject(refused);
    const other = expectedServer({ serverId: "s2" });
    expect(await node.controller.ask({ kind: "expect", server: other })).toMatchObject(refused);
    expect(node.probes.has("s2")).toBe(false);
    expect(node.gate.told.some((message) => "serverId" in message && message.serverId === "s2")).toBe(false);

    fillDisk(false);
    expect(await now()).toEqual(before);
    expect(await grant("y")).toMatchObject({ ok: true, free: 0 });
    await node.restart();
    expect((await now())?.seats).toHaveLength(2);
  });

  test("a player is not let in, a label not set; the server is told to try again", async () => {
    const ticket = ticketOf(await grant("x"));
    fillDisk(true);
    const again = { status: 503, body: { code: "journal" } };
    expect(await node.gate.call("POST", "/v1/players/join", { ticket })).toMatchObject(again);
    expect(await node.gate.call("PUT", "/v1/labels", { map: "dust" })).toMatchObject(again);
    fillDisk(false);
    expect(await node.gate.call("POST", "/v1/players/join", { ticket })).toMatchObject({ status: 200 });
    expect(await now()).toMatchObject({ labels: {} });
    expect(node.controller.told).toEqual(["ready", "joined x"]);
  });

  test("a lease that ends meanwhile goes back when it can be written", async () => {
    await grant("x");
    fillDisk(true);
    await seconds(node, 31);
    expect(node.controller.told).toEqual(["ready"]);
    fillDisk(false);
    await seconds(node, 1);
    expect(node.controller.told).toEqual(["ready", "left x leaseExpired"]);
  });

  test("an end and an illness are told all the same, once, and written later", async () => {
    await node.controller.ask({ kind: "expect", server: expectedServer({ serverId: "s2", health: PATIENT }) });
    fillDisk(true);
    node.probes.get("s1")?.({ kind: "exited", reason: "killed" });
    await settled();
    expect(node.controller.told).toEqual(["ready", "gone"]);
    node.probes.get("s2")?.({ kind: "unhealthy", reason: "hung" });
    await seconds(node, 2);
    fillDisk(false);
    await seconds(node, 2);
    expect(node.controller.told).toEqual(["ready", "gone", "health"]);
    await node.restart();
    expect(node.controller.snapshots[0]?.servers).toMatchObject([
      { serverId: "s1", gone: { reason: "killed" } },
      { serverId: "s2", healthy: false },
    ]);
  });
});

test("a damaged journal: the agent refuses to start, saying where and what to do", async () => {
  await grant("x");
  await node.agent.close();
  const file = join(node.folder, "seats.journal");
  const bytes = readFileSync(file);
  const damaged = Buffer.from(bytes);
  damaged[40] = (damaged[40] ?? 0) ^ 1;
  writeFileSync(file, damaged);
  await expect(node.boot()).rejects.toThrow(/seats\.journal is damaged at byte \d+ .* move the file away/s);
  writeFileSync(file, bytes);
  await node.boot();
  expect((await now())?.seats).toHaveLength(1);
});

test.each([
  { kind: "seats", ...on, record: { kind: "seatSwapped" } },
  { kind: "moon", ...on },
])("a record of a newer agent is not passed over: $kind", async (entry) => {
  await node.agent.close();
  const file = join(node.folder, "seats.journal");
  const bytes = readFileSync(file);
  writeFileSync(file, Buffer.concat([bytes, frame(JSON.stringify(entry))]));
  await expect(node.boot()).rejects.toThrow(/does not know: a newer one wrote it/);
  writeFileSync(file, bytes);
  await node.boot();
});

test("a second agent on the same folder is told who has it", async () => {
  await expect(TestNode.start({ journalDir: node.folder })).rejects.toThrow(`is in use by process ${process.pid}`);
  expect(await grant("x")).toMatchObject({ ok: true });
});

test("a long journal is written anew, and holds the same", async () => {
  const { folder } = node;
  const size = () => fs.statSync(join(folder, "seats.journal")).size;
  const carry = { version: "v".repeat(2000) };
  let largest = 0;
  for (let generation = 1; size() >= largest; generation++) {
    largest = size();
    const asked = Array.from({ length: 500 }, (_, i) =>
      node.controller.ask({
        kind: "grant",
        ...on,
        seats: [seatRequest("x", { generation: generation * 500 + i }, carry)],
        leaseMs: 30_000,
      }),
    );
    expect((await Promise.all(asked)).every(({ ok }) => ok)).toBe(true);
  }
  expect(largest).toBeGreaterThan(8 * 1024 * 1024);
  expect(size()).toBeLessThan(1024 * 1024);
  const before = await now();
  await node.restart();
  expect(await now()).toEqual(before);
});
