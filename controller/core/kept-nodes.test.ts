import { arena } from "./testing/ask";
import { crash, happened, nodeStates, on, playing } from "./testing/failing-node";
import type { Kept } from "./kept-fleets";
import type { NodeRecord } from "./kept-nodes";
import type { RegionDouble } from "./testing/region-double";
import { testExperience, testSettings } from "./testing/settings-double";

const HOUR_MS = 3_600_000;
const eight = { maxPlayers: 2, scaling: { minServers: 8, maxServers: 16 } };

/** The leader's process ends, and the next one has learnt what there is. */
function nextLeader(r: RegionDouble): void {
  r.restart();
  r.run();
}
/** Three of n1's four servers fail together. */
function failing(over: Parameters<typeof testExperience>[1] = eight): RegionDouble {
  const r = arena(over, ["n1", "n2"]);
  crash(
    r,
    on(r, "n1")
      .slice(0, 3)
      .map(({ id }) => id),
  );
  expect(n1(r)).toBe("n1 isolated");
  return r;
}
const n1 = (r: RegionDouble): string | undefined => nodeStates(r).find((text) => text.startsWith("n1 "));
const kept = (r: RegionDouble): Kept["nodes"] => (JSON.parse(r.kept) as Kept).nodes;
const before = (r: RegionDouble, record: NodeRecord): void => {
  r.kept = JSON.stringify({ fleets: {}, nodes: { n1: record } } satisfies Kept);
};

it("stays isolated under the next leader, for the rest of its time, and says why", () => {
  const r = failing();
  r.advance(100_000);
  nextLeader(r);
  expect(n1(r)).toBe("n1 isolated");
  expect(r.must({ type: "getDecision", id: "n1" })).toMatchObject({
    kind: "failover",
    outcome: expect.stringMatching(/^isolated until .* at the latest, as the leader before left it$/) as string,
    reasons: expect.arrayContaining(["3 of its servers are in trouble together"]) as string[],
  });
  // It was isolated once, and nobody is told so a second time.
  expect(happened(r, "node.isolated")).toHaveLength(1);
  r.must({ type: "spawnServer", experienceId: "arena", waitReady: false });
  r.advance(10_000);
  expect(on(r, "n1").filter(({ state }) => state === "ready")).toEqual([]);
  r.advance(186_000);
  expect(n1(r)).toBe("n1 isolated");
  r.advance(6000);
  expect(n1(r)).toBe("n1 connected");
  expect(happened(r, "node.restored")).toMatchObject([{ detail: { nodeId: "n1" } }]);
  expect(kept(r)["n1"]).toMatchObject({ timesIsolated: 1, isolation: null });
});

it("its players are moved under the next leader, once there are seats for them", () => {
  const r = arena({ ...eight, scaling: { minServers: 8, maxServers: 8 } }, ["n1", "n2"]);
  const players = Array.from({ length: 16 }, (_, i) => playing(r, `p${String(i)}`));
  r.autoReady = false;
  const [a, b, c, d] = on(r, "n1").map(({ id }) => id) as [string, string, string, string];
  crash(r, [a, b, c]);
  nextLeader(r);
  r.advance(5000);
  const onD = players.filter(({ server }) => server.id === d).map(({ session }) => session.id);
  const where = () =>
    onD.map((sessionId) => r.must<{ serverId: string | null }>({ type: "getSession", sessionId }).serverId);
  expect(where()).toEqual([d, d]);
  r.autoReady = true;
  for (const { id } of on(r, "n2")) r.agentOf(id).becomeReady(id, r.nowMs);
  for (const { session } of players.filter(({ server }) => ![a, b, c, d].includes(server.id)))
    r.must({ type: "endSession", sessionId: session.id, reason: "left" });
  r.advance(60_000);
  expect(where().filter((id) => id === d)).toEqual([]);
});

it("a server that its leader did not get to close is closed by the next", () => {
  const r = arena({ ...eight }, ["n1", "n2"]);
  const [a, b, c, d] = on(r, "n1").map(({ id }) => id) as [string, string, string, string];
  for (const id of [a, b, c]) r.agentOf(id).lose(id, "killed", r.nowMs);
  r.run();
  // The tick decides, and what it sends is lost; what is to be kept is not.
  r.advance(500, true);
  r.deliver("store");
  r.cut("n1");
  expect(kept(r)["n1"]?.isolation).toMatchObject({ reason: "3 of its servers are in trouble together" });
  nextLeader(r);
  r.advance(2000);
  expect(on(r, "n1").map(({ id }) => id)).not.toContain(d);
});

it("fails again under the next leader: twice as long", () => {
  const r = failing();
  r.advance(301_000);
  expect(n1(r)).toBe("n1 connected");
  nextLeader(r);
  r.advance(61_000);
  for (let i = 0; on(r, "n1").length < 3 && i < 20; i++) {
    r.must({ type: "spawnServer", experienceId: "arena", waitReady: false });
    r.advance(1000);
  }
  crash(
    r,
    on(r, "n1").map(({ id }) => id),
  );
  expect(n1(r)).toBe("n1 isolated");
  nextLeader(r);
  r.advance(590_000);
  expect(n1(r)).toBe("n1 isolated");
  r.advance(12_000);
  expect(n1(r)).toBe("n1 connected");
});

it.each<[string, (nowMs: number) => NodeRecord, string]>([
  [
    "an end that a clock far ahead has written is cut to an hour",
    (now) => ({ timesIsolated: 1, lastIsolatedMs: now, isolation: isolatedFor(now, 1000 * HOUR_MS) }),
    "isolated",
  ],
  [
    "what is over by now isolates nothing",
    (now) => ({ timesIsolated: 1, lastIsolatedMs: now - 10_000, isolation: isolatedFor(now - 10_000, 9000) }),
    "connected",
  ],
  [
    "what was given back is not isolated",
    (now) => ({ timesIsolated: 3, lastIsolatedMs: now, isolation: null }),
    "connected",
  ],
])("%s", (_, record, state) => {
  const r = arena(eight, ["n1", "n2"]);
  before(r, record(r.nowMs));
  nextLeader(r);
  expect(n1(r)).toBe(`n1 ${state}`);
  r.advance(HOUR_MS + 1000);
  expect(n1(r)).toBe("n1 connected");
  // An hour after its last it counts as any other.
  r.advance(HOUR_MS);
  r.must({ type: "putFleet", experienceId: "arena", desired: 3 });
  expect(kept(r)).toEqual({});
});

it("keeps for the leader after that a node that the next one never met, and forgets it with its time", () => {
  const r = failing();
  nextLeader(r);
  r.cut("n1");
  r.core.handle({ type: "tick", nowMs: r.nowMs });
  r.restart();
  r.cut("n1");
  r.run();
  r.must({ type: "putFleet", experienceId: "arena", desired: 3 });
  expect(kept(r)["n1"]?.isolation).not.toBeNull();
  nextLeader(r);
  expect(n1(r)).toBe("n1 isolated");
});

it("gives it back where the engine has said meanwhile that it is back", () => {
  const r = failing();
  nextLeader(r);
  r.give({ type: "engine", event: { type: "nodeUp", nodeId: "n1" } });
  r.run();
  expect(n1(r)).toBe("n1 connected");
  nextLeader(r);
  expect(n1(r)).toBe("n1 connected");
});

it("counts what is kept, not what it remembers, when it leads again", () => {
  const r = failing();
  r.give({ type: "leadership", leader: false, epoch: r.epoch });
  before(r, { timesIsolated: 1, lastIsolatedMs: r.nowMs, isolation: null });
  r.lead();
  r.give({ type: "engineList", servers: r.engine.list() });
  r.run();
  expect(n1(r)).toBe("n1 connected");
});

it("gives all nodes back, and takes none up, where forge.toml isolates none", () => {
  const r = failing();
  const { health, ...settings } = testSettings([testExperience("arena", eight)]);
  r.setSettings({ ...settings, health: { ...health, isolateServers: 0 } });
  r.advance(1000);
  expect(n1(r)).toBe("n1 connected");
  before(r, { timesIsolated: 1, lastIsolatedMs: r.nowMs, isolation: isolatedFor(r.nowMs, 60_000) });
  nextLeader(r);
  expect(n1(r)).toBe("n1 connected");
});

function isolatedFor(sinceMs: number, ms: number): NodeRecord["isolation"] {
  return { sinceMs, untilMs: sinceMs + ms, reason: "3 of its servers are in trouble together" };
}
