import fc from "fast-check";
import { REST, weigh } from "./routing";
import { TIERS } from "./pool";
import { exhaustive, routed, RoutedFleet, ROUTING_WORKLOADS } from "./testing/routing-workload";
import { arena, join, servers } from "./testing/ask";
import type { DecisionRecord, Placement, Server } from "./resources";

const stats = (cpu: number, memoryBytes = 1, atMs = 0) => ({
  kind: "stats" as const,
  stats: { cpu, memoryBytes, players: 0, responseMs: undefined, errorRate: undefined, atMs },
});
const spread = (r: ReturnType<typeof arena>): number[] =>
  r
    .must<Server[]>(servers)
    .map(({ players }) => players)
    .sort();

it("packs: the fullest that has room", () => {
  const r = arena({ scaling: { minServers: 3 } });
  for (let i = 0; i < 6; i++) r.must(join(`p${String(i)}`));
  expect(spread(r)).toEqual([0, 2, 4]);
});

it("spreads: the emptiest", () => {
  const r = arena({ scaling: { minServers: 3 }, routing: { strategy: "spread" } });
  for (let i = 0; i < 6; i++) r.must(join(`p${String(i)}`));
  expect(spread(r)).toEqual([2, 2, 2]);
});

it("weighs CPU, memory and latency where servers are as full", () => {
  const r = arena({ scaling: { minServers: 3 } });
  const [a, b, c] = r.must<Server[]>(servers).map(({ id }) => id) as [string, string, string];
  for (const [id, event] of [
    [a, stats(0.6)],
    [b, stats(0.1)],
    [c, stats(0.1, 200 * 1048576)],
  ] as const)
    r.agentOf(id).say(id, event, r.nowMs);
  r.run();
  const placed = r.must<Placement>(join("ann"));
  expect(placed.server.id).toBe(b);
  const record = r.must<DecisionRecord>({ type: "getDecision", id: placed.session.id });
  expect(record.considered).toHaveLength(3);
  expect(record.considered.find(({ id }) => id === b)?.parts).toMatchObject({ players: 0, cpu: 0.9 });
});

it("goes past a server whose players report a bad connection", () => {
  const r = arena({ maxPlayers: 2, scaling: { minServers: 2 } });
  const [a, b] = [r.must<Placement>(join("a")), r.must<Placement>(join("b", { party: ["b2"] }))];
  expect(a.server.id).not.toBe(b.server.id);
  r.must({ type: "endSession", sessionId: b.party?.[0]?.session.id ?? "", reason: "done" });
  r.must({ type: "updateSession", sessionId: a.session.id, latencyMs: 190 });
  r.must({ type: "updateSession", sessionId: b.session.id, latencyMs: 20 });
  expect(r.must<Placement>(join("c")).server.id).toBe(b.server.id);
});

it("looks at no more than eight servers", () => {
  const r = arena({ scaling: { minServers: 20, maxServers: 20 } });
  const placed = r.must<Placement>(join("ann"));
  expect(r.must<DecisionRecord>({ type: "getDecision", id: placed.session.id }).considered).toHaveLength(8);
});

describe("against a search of all servers", () => {
  const shape = fc.record({
    workload: fc.constantFrom(...ROUTING_WORKLOADS),
    servers: fc.integer({ min: 1, max: 100 }),
    sizes: fc.array(fc.constantFrom(4, 8, 16, 100), { minLength: 1, maxLength: 3 }),
    occupancy: fc.double({ min: 0.05, max: 0.98, noNaN: true }),
  });

  it("finds a server wherever there is one, and none whose score is a step of quality below the best", () => {
    fc.assert(
      fc.property(shape, fc.nat(), ({ workload, ...over }, seed) => {
        const fleet = new RoutedFleet({ ...workload, ...over, arrivals: 120 }, seed);
        const scoreOf = (server: Parameters<typeof weigh>[0]): number => weigh(server, workload.strategy, 256, 0);
        fleet.run((of, group, memoryMiB) => {
          const [found, best] = [routed(of, group, memoryMiB), exhaustive(of, group, memoryMiB)];
          expect(found === undefined).toBe(best === undefined);
          if (found && best) expect(scoreOf(found)).toBeGreaterThanOrEqual(scoreOf(best) - REST / TIERS - 1e-9);
          return found;
        });
      }),
      { numRuns: 15 },
    );
  });

  it.each(ROUTING_WORKLOADS)("is within 5 % of its mean latency and packing: $name", (workload) => {
    const of = { ...workload, servers: 200, arrivals: 3000 };
    const [found, best] = [new RoutedFleet(of, 7).run(routed), new RoutedFleet(of, 7).run(exhaustive)];
    expect(found.refused).toBe(best.refused);
    expect(found.meanLatencyMs / best.meanLatencyMs).toBeLessThan(1.05);
    expect(found.packing / best.packing).toBeGreaterThan(0.95);
  });
});
