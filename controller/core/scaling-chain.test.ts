import { arena, code, join, servers } from "./testing/ask";
import type { RegionDouble } from "./testing/region-double";
import type { DecisionRecord, Fleet, Server } from "./resources";

const count = (r: RegionDouble): number =>
  r.must<Server[]>(servers).filter(({ state }) => state !== "terminated").length;
const put = (policy: object) => ({ type: "putFleet" as const, experienceId: "arena", policy });
const why = (r: RegionDouble): DecisionRecord => r.must<DecisionRecord>({ type: "getDecision", id: "arena" });
const stats = (cpu: number) => ({
  cpu,
  memoryBytes: 1,
  players: 0,
  responseMs: undefined,
  errorRate: undefined,
  atMs: 0,
});

it("goes to zero, whatever idle servers use of their CPU, and up again when somebody comes", () => {
  const r = arena({ scaling: { minServers: 0, maxServers: 5, scaleDownCooldownSecs: 5 } });
  r.must(join("ann"));
  const [session = { id: "", serverId: "" }] = r.must<{ id: string; serverId: string }[]>({
    type: "findSessions",
    playerId: "ann",
  });
  r.agentOf(session.serverId).say(session.serverId, { kind: "stats", stats: stats(0.4) }, r.nowMs);
  r.agentOf(session.serverId).join(session.serverId, session.id, 1, r.nowMs);
  r.run().advance(20_000);
  expect(count(r)).toBe(1);
  r.must({ type: "endSession", sessionId: session.id, reason: "done" });
  r.advance(30_000);
  expect(count(r)).toBe(0);
  expect(code(r.call(join("bob")))).toBe("ok");
});

it("follows a schedule at its hour, and says what was in force", () => {
  const schedule = { activePeriod: { timezone: "UTC", startCron: "0 23 * * *", durationSecs: 600 } };
  const chain = [{ id: "evening", schedule, buffer: { bufferSize: 3, minReplicas: 4 } }];
  // The double's clock begins at 22:13:20 UTC.
  const r = arena({ scaling: { minServers: 1, maxServers: 10, scaleDownCooldownSecs: 10, chain } });
  r.advance(46 * 60_000 + 39_000);
  expect(count(r)).toBe(1);
  r.advance(1500);
  expect(count(r)).toBe(4);
  expect(why(r).reasons.join("\n")).toMatch(/policy: entry evening of the chain keeps 3 servers free/);
  expect(why(r).reasons.join("\n")).toMatch(/seen: 1 servers up, 1 of them empty/);
  expect(why(r).reasons.join("\n")).toMatch(/bounds: 4 to 10 servers/);
  r.advance(12 * 60_000);
  expect(count(r)).toBe(1);
});

it("sets one timer for a window that begins anew before it ends", () => {
  const schedule = { activePeriod: { startCron: "* * * * *", durationSecs: 600 } };
  const between = { end: "2023-11-14T23:30:00Z" };
  const chain = [{ id: "long", schedule: { between, ...schedule }, buffer: { bufferSize: 2 } }];
  const r = arena({ scaling: { minServers: 1, maxServers: 10, scaleDownCooldownSecs: 10, chain } });
  r.advance(60_000);
  const before = r.core.counts().timers;
  r.advance(9 * 60_000);
  expect(r.core.counts().timers).toBeLessThanOrEqual(before);
  // The double's clock is at 22:23:20 UTC.
  r.advance(66 * 60_000 + 39_000);
  expect(count(r)).toBe(2);
  r.advance(20_000);
  expect(count(r)).toBe(1);
});

it("keeps room in a counter, at once when it changes", () => {
  const counters = { rooms: { count: 0, capacity: 10 } };
  const chain = [{ counter: { key: "rooms", bufferSize: 5 } }];
  const r = arena({ counters, scaling: { minServers: 1, maxServers: 10, scaleDownCooldownSecs: 10, chain } });
  r.advance(1000);
  const [{ id } = { id: "" }] = r.must<Server[]>(servers);
  const say = (used: number): void =>
    r
      .agentOf(id)
      .say(
        id,
        { kind: "counts", counters: { rooms: { count: used, capacity: 10 } }, lists: {}, tracked: undefined },
        r.nowMs,
      );
  say(6);
  r.run();
  expect(count(r)).toBe(2);
  r.advance(60_000);
  say(2);
  r.run().advance(60_000);
  expect(count(r)).toBe(1);
});

it.each<[string, object, number]>([
  ["the minimum where an entry's greatest number is below it", { maxReplicas: 2 }, 5],
  ["the maximum where an entry's least number is above it", { minReplicas: 12 }, 9],
])("keeps to the experience's own bounds: %s", (_what, bounds, servers) => {
  const chain = [{ buffer: { bufferSize: 0, ...bounds } }];
  const r = arena({ scaling: { minServers: 5, maxServers: 9, scaleUpCooldownSecs: 1, chain } });
  r.advance(30_000);
  expect(count(r)).toBe(servers);
});

it("starts one server for a counter whose capacity the server says itself, and others by what that has", () => {
  const chain = [{ counter: { key: "rooms", bufferSize: 15 } }];
  const counters = { rooms: { count: 0, capacity: 0 } };
  const r = arena({ counters, scaling: { minServers: 0, maxServers: 50, scaleUpCooldownSecs: 1, chain } });
  r.advance(20_000);
  expect(count(r)).toBe(1);
  const [{ id } = { id: "" }] = r.must<Server[]>(servers);
  const rooms = { rooms: { count: 0, capacity: 10 } };
  r.agentOf(id).say(id, { kind: "counts", counters: rooms, lists: {}, tracked: undefined }, r.nowMs);
  r.run().advance(1000);
  expect(count(r)).toBe(2);
});

it("asks a webhook once an interval, follows it, and keeps its last good answer", () => {
  const url = "https://scaler.example.com/";
  const chain = [{ id: "ours", webhook: { url } }];
  const r = arena({ scaling: { minServers: 1, maxServers: 10, scaleUpCooldownSecs: 0, chain } });
  expect(r.consults).toHaveLength(1);
  expect(r.consults[0]).toMatchObject({ experienceId: "arena", webhook: { url }, fleet: { replicas: 0, queued: 0 } });
  const say = (answer: { scale: boolean; replicas: number } | { failure: string }) => {
    r.give({ type: "advice", experienceId: "arena", url, answer });
    r.run();
  };
  say({ scale: true, replicas: 4 });
  expect(count(r)).toBe(4);
  r.advance(10_000);
  expect(r.consults).toHaveLength(2);
  say({ failure: "answered 500" });
  r.advance(120_000);
  expect(count(r)).toBe(4);
  expect(why(r).reasons.join("\n")).toMatch(/wants 4 servers/);
  say({ scale: true, replicas: 99 });
  expect(count(r)).toBe(10);
  // Nobody asked for this one.
  r.give({
    type: "advice",
    experienceId: "arena",
    url: "https://else.example.com/",
    answer: { scale: true, replicas: 0 },
  });
});

it("takes a chain and a buffer by call", () => {
  const r = arena({ scaling: { minServers: 1 } });
  const chain = [{ id: "three", buffer: { bufferSize: "50%", minReplicas: 3 } }];
  const fleet = r.must<Fleet>(put({ buffer: "25%", chain }));
  expect(fleet.policy).toMatchObject({ buffer: "25%", chain });
  expect(count(r)).toBe(3);
});

it.each([
  [{ chain: [{ id: "x" }] }, "chain[0] has one of buffer, counter, list, webhook, not none"],
  [{ chain: [{ counter: { key: "rooms", bufferSize: 1 } }] }, "chain[0]: rooms is no counter of arena"],
  [
    { chain: [{ webhook: { url: "http://inside/" } }] },
    "chain[0]: forge.toml has no such webhook, and calls cannot add any",
  ],
])("refuses %j", (policy, detail) => {
  expect(arena().call(put(policy))).toMatchObject({ ok: false, problem: { code: "invalid", detail } });
});
