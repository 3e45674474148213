import { arena, code, join, servers } from "./testing/ask";
import type { RegionDouble } from "./testing/region-double";
import { testExperience, testSettings } from "./testing/settings-double";
import type { Fleet, ForgeEvent, Placement, Server } from "./resources";

const put = (over: object) => ({ type: "putFleet" as const, experienceId: "arena", ...over });
const fleet = (r: RegionDouble): Fleet => r.must<Fleet>({ type: "getFleet", experienceId: "arena" });
const versions = (r: RegionDouble): Record<string, number> => {
  const count: Record<string, number> = {};
  for (const { version, state } of r.must<Server[]>(servers))
    if (state !== "terminated") count[version] = (count[version] ?? 0) + 1;
  return count;
};
const steps = (r: RegionDouble): string[] =>
  r.events.flatMap((event: ForgeEvent) => (event.type === "rollout" ? [`${event.step} ${event.toVersion}`] : []));

it("runs a canary on its share, gives it its share of players, and takes it to the rest when promoted", () => {
  const r = arena({ scaling: { minServers: 10, maxServers: 20 } });
  r.must(put({ version: "2", canary: 0.2 }));
  r.advance(5000);
  expect(versions(r)).toEqual({ 1: 8, 2: 2 });
  expect(fleet(r)).toMatchObject({ version: "1", rollout: { state: "canary", share: 0.2, servers: { 1: 8, 2: 2 } } });
  const byId = new Map(r.must<Server[]>(servers).map((server) => [server.id, server.version]));
  const given = Array.from({ length: 20 }, (_, i) => byId.get(r.must<Placement>(join(`p${String(i)}`)).server.id));
  expect(given.filter((version) => version === "2")).toHaveLength(4);
  r.must(put({ rollout: "promote" }));
  r.advance(10_000);
  expect(versions(r)[2]).toBeGreaterThanOrEqual(5);
  for (let i = 0; i < 20; i++) {
    const [session] = r.must<{ id: string }[]>({ type: "findSessions", playerId: `p${String(i)}` });
    r.must({ type: "endSession", sessionId: session?.id ?? "", reason: "done" });
  }
  r.advance(60_000);
  expect(Object.keys(versions(r))).toEqual(["2"]);
  expect(fleet(r).rollout).toBeNull();
  expect(steps(r)).toEqual(["started 2", "promoted 2", "done 2"]);
});

it("goes back by one call, and leaves those alone who play on the canary", () => {
  const r = arena({ scaling: { minServers: 4 } });
  r.must(put({ version: "2", canary: 0.25 }));
  r.advance(5000);
  const ann = r.must<Placement>(join("ann", { version: "2" }));
  r.must(put({ version: "1" }));
  r.advance(20_000);
  expect(versions(r)).toMatchObject({ 2: 1 });
  expect(r.must<Server>({ type: "getServer", serverId: ann.server.id }).state).toBe("ready");
  r.must({ type: "endSession", sessionId: ann.session.id, reason: "done" });
  r.advance(20_000);
  expect(versions(r)).toEqual({ 1: 4 });
  expect(steps(r)).toEqual(["started 2", "rolledBack 1"]);
});

it("gives a client the version that it speaks, and starts a canary's servers for those who ask for it", () => {
  const r = arena({ maxPlayers: 1, scaling: { minServers: 4, maxServers: 10, scaleUpCooldownSecs: 0 } });
  r.must(put({ version: "2", canary: 0.25 }));
  r.advance(5000);
  const asked = ["a", "b", "c"].map((player) => r.ask(join(player, { version: "2" })));
  r.advance(5000);
  const versionOf = (id: string) => r.must<Server>({ type: "getServer", serverId: id }).version;
  const placed = asked.map((id) => r.reply(id)).filter((reply) => reply?.ok);
  expect(placed).toHaveLength(3);
  const sessions = r.must<{ serverId: string }[]>({ type: "findSessions", experienceId: "arena" });
  expect(sessions.map(({ serverId }) => versionOf(serverId))).toEqual(["2", "2", "2"]);
  expect(code(r.call(join("d", { version: "3" })))).toBe("unknownVersion");
});

it.each([
  ["rollback", "rolledBack 1"],
  ["pause", "paused 2"],
] as const)("stops by itself where the new version does not come up: %s", (onFailure, step) => {
  const rollout = { ...testExperience("arena").rollout, onFailure };
  const r = arena({ readyTimeoutSecs: 2, rollout, scaling: { minServers: 3, maxServers: 6 } });
  r.broken.add("2");
  r.must(put({ version: "2" }));
  r.advance(120_000);
  expect(steps(r)).toEqual(["started 2", step]);
  expect(versions(r)[1]).toBe(3);
  // The old version is not held back by the failures of the new one.
  for (let i = 0; i < 13; i++) r.call(join(`p${String(i)}`));
  r.advance(5000);
  expect(versions(r)[1]).toBe(4);
  const why = r.must<{ kind: string; reasons: string[] }>({ type: "getDecision", id: "arena" });
  expect(why.kind === "scale" || why.reasons.join().includes("3 servers of version 2 failed")).toBe(true);
});

it("takes forge.toml's new version in by its canary, promotes it after its time, and runs the old program when rolled back", () => {
  const rollout = { ...testExperience("arena").rollout, canaryShare: 0.5, promoteAfterSecs: 30 };
  const entry = { rollout, scaling: { minServers: 2 } };
  const r = arena({ ...entry, command: "one" });
  const settings = testSettings([testExperience("arena", { ...entry, command: "two", version: "2" })]);
  r.setSettings(settings);
  r.advance(10_000);
  expect(versions(r)).toEqual({ 1: 1, 2: 1 });
  r.advance(40_000);
  expect(versions(r)).toEqual({ 2: 2 });
  const again = testSettings([testExperience("arena", { ...entry, command: "three", version: "3" })]);
  r.setSettings(again);
  r.advance(5000);
  r.must(put({ rollout: "rollback" }));
  r.must(put({ policy: { minServers: 4 } }));
  r.advance(40_000);
  expect(versions(r)).toEqual({ 2: 4 });
  expect([...r.engine.launches.values()].slice(-2).map(({ tasks }) => tasks[0]?.command)).toEqual(["two", "two"]);
});

it.each([
  [{ canary: 0.1 }, "arena has no canary: give its version too"],
  [{ canary: 1.5, version: "2" }, "canary is a share above 0 and below 1, not 1.5"],
  [{ canary: 0.5, version: "1" }, "arena runs version 1 already"],
  [{ rollout: "promote" }, "arena is taking no version in: all its new servers run 1"],
  [
    { rollout: "pause", version: "2" },
    "rollout stands alone: it says what becomes of the version that is being taken in",
  ],
])("refuses %j", (over, detail) => {
  expect(arena().call(put(over))).toMatchObject({ ok: false, problem: { code: "invalid", detail } });
});
