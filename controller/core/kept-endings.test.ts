import type { EndingRecord } from "./kept-endings";
import type { Kept } from "./kept-fleets";
import type { Placement, Server, Session } from "./resources";
import { arena, servers, sessions } from "./testing/ask";
import { playing } from "./testing/failing-node";
import type { RegionDouble } from "./testing/region-double";

const two = { scaling: { minServers: 2, maxServers: 3 } };
const end = (serverId: string, drainSecs: number) =>
  ({ type: "terminateServer", serverId, drainSecs, force: false, reason: "to be mended" }) as const;
const of = (r: RegionDouble, { server }: Placement): Server =>
  r.must<Server>({ type: "getServer", serverId: server.id });
const where = (r: RegionDouble): unknown[] => r.must<Session[]>(sessions).map(({ serverId }) => serverId);
const kept = (r: RegionDouble): Readonly<Record<string, EndingRecord>> => (JSON.parse(r.kept) as Kept).endings ?? {};

function nextLeader(r: RegionDouble): void {
  r.restart();
  r.run();
}

it("the next leader moves the players off at the time that the one before was told", () => {
  const r = arena(two);
  const ann = playing(r, "ann");
  r.must(end(ann.server.id, 60));
  r.advance(10_000);
  nextLeader(r);
  r.advance(45_000);
  expect(where(r)).toEqual([ann.server.id]);
  expect(of(r, ann)).toMatchObject({ state: "draining", reason: "to be mended" });
  r.advance(8000);
  expect(where(r)).toEqual([expect.not.stringContaining(ann.server.id)]);
  expect(of(r, ann).state).toBe("terminated");
  expect(r.eventTypes()).not.toContain("server.unhealthy");
});

it.each(["had closed it", "had not heard of it"])("and at once where that time has passed: its agent %s", (closed) => {
  const r = arena(two);
  const ann = playing(r, "ann");
  r.ask(end(ann.server.id, 0));
  if (closed === "had closed it") r.deliver("toAgent n1");
  r.deliver("store");
  nextLeader(r);
  r.advance(10_000);
  expect(where(r)).toEqual([expect.not.stringContaining(ann.server.id)]);
  expect(of(r, ann).state).toBe("terminated");
});

it("and where it hears of that only later, or of the server", () => {
  const r = arena(two, ["n1", "n2"]);
  const ann = playing(r, "ann");
  const { nodeId } = r.agentOf(ann.server.id);
  r.must(end(ann.server.id, 30));
  r.storeAnswers = false;
  nextLeader(r);
  r.cut(nodeId);
  r.advance(40_000);
  r.storeAnswers = true;
  r.readKept();
  expect(where(r)).toEqual([ann.server.id]);
  r.connect(nodeId);
  r.run().advance(5000);
  expect(where(r)).toEqual([expect.not.stringContaining(ann.server.id)]);
});

it("keeps it no longer than there is such a server", () => {
  const r = arena(two);
  const ann = playing(r, "ann");
  r.must(end(ann.server.id, 60));
  expect(kept(r)).toEqual({
    [ann.server.id]: { kind: "terminate", moveAtMs: r.nowMs + 60_000, reason: "to be mended" },
  });
  r.advance(70_000);
  const [other] = r.must<Server[]>(servers);
  r.must(end(other?.id ?? "", 60));
  expect(Object.keys(kept(r))).toEqual([other?.id]);
  // Of one that nobody has found for an hour.
  r.kept = JSON.stringify({
    fleets: {},
    nodes: {},
    endings: {
      "server-gone": { kind: "terminate", moveAtMs: r.nowMs - 3_600_000, reason: "a test" },
      "server-away": { kind: "terminate", moveAtMs: r.nowMs, reason: "a test" },
    },
  });
  nextLeader(r);
  r.run();
  expect(Object.keys(kept(r))).toContain("server-away");
  expect(Object.keys(kept(r))).not.toContain("server-gone");
});

describe.each(Array.from({ length: 16 }, (_, step) => step))(
  "a leader that dies %d messages after it was kept",
  (step) => {
    it("is followed by one that ends the server, its players together elsewhere", () => {
      const r = arena(two, ["n1", "n2"]);
      const ann = playing(r, "ann", { party: ["ann", "bob"] });
      r.ask(end(ann.server.id, 0));
      while (r.deliver("store"));
      r.run(step);
      nextLeader(r);
      r.advance(10_000);
      expect(r.engine.running(ann.server.id)).toBe(false);
      const now = r.must<Session[]>(sessions);
      expect(now.map(({ playerId }) => playerId).sort()).toEqual(["ann", "bob"]);
      expect(new Set(now.map(({ serverId }) => serverId)).size).toBe(1);
      expect(now[0]?.serverId).not.toBe(ann.server.id);
      expect(r.eventTypes()).not.toContain("server.unhealthy");
    });
  },
);
