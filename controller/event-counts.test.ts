import { metricsText } from "./api/metric";
import { arena, join } from "./core/testing/ask";
import type { RegionDouble } from "./core/testing/region-double";
import { testRole } from "./core/testing/settings-double";
import type { Placement } from "./core/resources";
import { EventCounts } from "./event-counts";

const textOf = (counts: EventCounts): readonly string[] => metricsText(counts.metrics(["arena"])).split("\n");

/** What was counted of all that the region has told. */
function counted(r: RegionDouble): (series: string) => number {
  const counts = new EventCounts();
  for (const event of r.events) counts.count(event);
  const lines = textOf(counts);
  return (series) => {
    const line = lines.find((one) => one.startsWith(`${series} `)) ?? "";
    return Number(line.slice(series.length + 1) || NaN);
  };
}
const OF = `{experience="arena"}`;

it("tells a 0 of what has not happened, so that the first time is a rise", () => {
  const lines = textOf(new EventCounts()).filter((line) => line !== "" && !line.startsWith("#"));
  expect(lines).toContain(`forge_players_lost_total${OF} 0`);
  expect(lines).toContain(`forge_spawn_seconds_count${OF} 0`);
  expect(lines.filter((line) => !line.endsWith(" 0"))).toEqual([]);
});

it("counts servers ordered, and the time until they were ready", () => {
  const r = arena({ scaling: { minServers: 2, maxServers: 3 } });
  r.autoReady = false;
  r.must({ type: "spawnServer", experienceId: "arena", waitReady: false });
  const { id } = [...r.engine.list()].map(({ serverId }) => ({ id: serverId })).at(-1) ?? { id: "" };
  r.advance(2200);
  r.agentOf(id).becomeReady(id, r.nowMs);
  r.run();
  const value = counted(r);
  expect([value(`forge_spawns_total${OF}`), value(`forge_spawns_failed_total${OF}`)]).toEqual([3, 0]);
  expect(value(`forge_spawn_seconds_bucket{le="0.1",experience="arena"}`)).toBe(2);
  expect(value(`forge_spawn_seconds_bucket{le="1",experience="arena"}`)).toBe(2);
  expect(value(`forge_spawn_seconds_bucket{le="2.5",experience="arena"}`)).toBe(3);
  expect(value(`forge_spawn_seconds_sum${OF}`)).toBe(2.2);
  expect(value(`forge_spawn_seconds_count${OF}`)).toBe(3);
});

it("counts servers that never came up, once each, and none that was not wanted any more", () => {
  const r = arena({ scaling: { minServers: 0, maxServers: 4 } });
  r.engine.refuse = "program missing";
  r.ask({ type: "spawnServer", experienceId: "arena", waitReady: false });
  r.run();
  expect(counted(r)(`forge_spawns_failed_total${OF}`)).toBe(1);

  const late = arena({ scaling: { minServers: 1 } });
  late.broken.add("1");
  late.kill([...late.engine.list()][0]?.serverId ?? "");
  late.run();
  const before = counted(late)(`forge_spawns_failed_total${OF}`);
  expect(before).toBe(0);
  late.advance(70_000);
  const of = (type: string) =>
    new Set(late.events.flatMap((event) => (event.type === type && "serverId" in event ? [event.serverId] : [])));
  const neverUp = [...of("server.unhealthy")].filter((id) => !of("server.ready").has(id));
  expect(neverUp.length).toBeGreaterThan(0);
  expect(counted(late)(`forge_spawns_failed_total${OF}`)).toBe(neverUp.length);

  const unwanted = arena({ scaling: { minServers: 0 } });
  unwanted.autoReady = false;
  const { id } = unwanted.must<{ id: string }>({ type: "spawnServer", experienceId: "arena", waitReady: false });
  unwanted.must({ type: "terminateServer", serverId: id, drainSecs: 0, force: false, reason: "asked" });
  unwanted.run();
  expect(unwanted.eventTypes()).toContain("server.terminated");
  expect(counted(unwanted)(`forge_spawns_failed_total${OF}`)).toBe(0);
});

it("takes one that waited for its fleet's roles, and is not wanted any more, for no failed start", () => {
  const r = arena({ roles: [testRole("lobby")], scaling: { minServers: 0 } });
  const [role] = r.engine.list();
  r.kill(role?.serverId ?? "");
  r.autoReady = false;
  r.advance(1000);
  const { id } = r.must<{ id: string }>({ type: "spawnServer", experienceId: "arena", waitReady: false });
  expect(r.engine.running(id)).toBe(false);
  r.must({ type: "terminateServer", serverId: id, drainSecs: 0, force: false, reason: "asked" });
  const told = r.events.flatMap((event) => ("serverId" in event && event.serverId === id ? [event.type] : []));
  expect(told).toEqual(["server.spawned", "server.draining", "server.terminated"]);
  expect(counted(r)(`forge_spawns_failed_total${OF}`)).toBe(0);
});

it("counts failed servers, and their players by whether they found another seat", () => {
  const r = arena({ maxPlayers: 2, scaling: { minServers: 2, maxServers: 2 } });
  const ann = r.must<Placement>(join("ann", { party: ["bob"] }));
  r.kill(ann.server.id);
  r.run();
  const value = counted(r);
  expect(value(`forge_failovers_total${OF}`)).toBe(1);
  expect([value(`forge_players_moved_total${OF}`), value(`forge_players_lost_total${OF}`)]).toEqual([2, 0]);

  r.engine.refuse = "program missing";
  for (const { serverId } of r.engine.list()) if (r.engine.running(serverId)) r.kill(serverId);
  r.advance(61_000);
  expect(counted(r)(`forge_players_lost_total${OF}`)).toBe(2);
});

it("measures nothing of what was ordered before it led last", () => {
  const r = arena({ scaling: { minServers: 0 } });
  r.autoReady = false;
  const { id } = r.must<{ id: string }>({ type: "spawnServer", experienceId: "arena", waitReady: false });
  r.advance(1000);
  r.give({ type: "leadership", leader: false, epoch: r.epoch });
  r.lead();
  r.run();
  r.agentOf(id).becomeReady(id, r.nowMs);
  r.advance(1000);
  expect(r.eventTypes()).toContain("server.ready");
  expect(counted(r)(`forge_spawn_seconds_count${OF}`)).toBe(0);
});
