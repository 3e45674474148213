import { arena, code, join } from "./testing/ask";
import { RegionDouble } from "./testing/region-double";
import { testExperience, testSettings } from "./testing/settings-double";
import type { Fleet, Placement, Queued, Region, RegionSummary } from "./resources";

interface Wish {
  readonly survival?: number;
  readonly max?: number;
}

it("shows a fleet's servers, seats and policy", () => {
  const r = arena({ maxPlayers: 4, scaling: { minServers: 2 } });
  r.must(join("ann"));
  expect(r.must<Fleet>({ type: "getFleet", experienceId: "arena" })).toMatchObject({
    version: "1",
    kind: "match",
    servers: { ready: 2, starting: 0 },
    seats: { total: 8, held: 1, free: 7 },
    queued: 0,
    desired: 2,
  });
  expect(r.must<Fleet[]>({ type: "listFleets" })).toHaveLength(1);
  expect(code(r.call({ type: "getFleet", experienceId: "none" }))).toBe("unknownExperience");
});

it.each([
  ["the region's maximum", {}, 10],
  ["its share beside what comes first", { survival: 3 }, 7],
  ["its own maximum", { max: 4 }, 4],
])("says how many servers it shall have of what was put, within %s", (_, { survival, max = 500 }: Wish, desired) => {
  const scaling = { minServers: 1, maxServers: max, scaleUpCooldownSecs: 0 };
  const others =
    survival === undefined ? [] : [testExperience("survival", { priority: 90, scaling: { minServers: survival } })];
  const settings = testSettings([testExperience("arena", { scaling }), ...others]);
  const r = new RegionDouble({ ...settings, scaling: { ...settings.scaling, maxServersPerRegion: 10 } }).start();
  const policy = { minServers: max };
  expect(r.must<Fleet>({ type: "putFleet", experienceId: "arena", policy })).toMatchObject({ desired, policy });
  r.advance(30_000);
  const { servers, ...fleet } = r.must<Fleet>({ type: "getFleet", experienceId: "arena" });
  expect(fleet).toMatchObject({ desired, policy });
  expect(servers.ready).toBe(desired);
  expect(
    r.must<Fleet>({ type: "putFleet", experienceId: "arena", policy: { minServers: 1 }, desired: 2 }).desired,
  ).toBe(desired);
});

it("shows the region to people and to its peers", () => {
  const r = arena({ mods: ["fog"], maxPlayers: 4 });
  r.must(join("ann"));
  const { region, summary } = r.must<{ region: Region; summary: RegionSummary }>({ type: "getRegion" });
  expect(region).toMatchObject({
    name: "here",
    state: "up",
    servers: 1,
    players: 1,
    queued: 0,
    nodes: [{ id: "n1", state: "connected", servers: 1 }],
    epoch: 1,
  });
  expect(summary).toEqual(r.core.summary());
  expect(summary.experiences.arena).toEqual([
    { version: "1", mods: ["fog"], free: 3, queued: 0, canGrow: true, cpu: 0 },
  ]);
  r.cut("n1");
  expect(r.core.summary().state).toBe("down");
});

it("drains: nobody new comes in, those who wait are told, those who are on stay", () => {
  const r = arena({ maxPlayers: 1, scaling: { maxServers: 1 } });
  r.give({ type: "peers", regions: [{ region: "there", state: "up", location: null, experiences: {} }] });
  const ann = r.must<Placement>(join("ann"));
  const { queueTicket } = r.must<Queued>(join("bob"));
  expect(r.must<Region>({ type: "drainRegion", on: true }).state).toBe("draining");
  expect(r.call(join("cyd"))).toMatchObject({
    ok: false,
    problem: { code: "unavailable", info: { regions: ["there"] } },
  });
  expect(code(r.call({ type: "waitQueue", queueTicket, untilMs: r.nowMs }))).toBe("unavailable");
  expect(r.must<Placement>(join("ann")).session.id).toBe(ann.session.id);
  r.must({ type: "drainRegion", on: false });
  expect(code(r.call(join("cyd")))).toBe("ok");
  expect(r.eventTypes()).toEqual(expect.arrayContaining(["region.draining", "region.undrained"]));
});

it("tells why, by a decision's id or by what it was about", () => {
  const r = arena();
  const { session, server } = r.must<Placement>(join("ann"));
  expect(r.must<{ outcome: string }>({ type: "getDecision", id: session.id }).outcome).toBe(server.id);
  const [record] = r.records;
  expect(r.must({ type: "getDecision", id: record?.id ?? "" })).toEqual(record);
  expect(code(r.call({ type: "getDecision", id: "none" }))).toBe("unknownDecision");
});
