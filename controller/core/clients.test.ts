import { wishOf, wishWords, takesWish } from "./version-wish";
import { arena, code, join } from "./testing/ask";
import { playing } from "./testing/failing-node";
import { put } from "./testing/rollouts";
import type { RegionDouble } from "./testing/region-double";
import { testExperience, testSettings } from "./testing/settings-double";
import type { Placement, RegionSummary, Server } from "./resources";

const entry = (version: string, clients: string | undefined, minServers = 2) => ({
  version,
  clients,
  maxPlayers: 8,
  routing: { strategy: "spread" as const },
  scaling: { minServers, maxServers: 8 },
});
/** Version 1 takes clients below 2 and has a player on each server; version 2, which takes the others, is up as well. */
function twoVersions(): RegionDouble {
  const r = arena(entry("1", "<2"));
  for (const player of ["a", "b", "c", "d", "e"]) playing(r, player, { clientVersion: "1.5.0" });
  r.setSettings(testSettings([testExperience("arena", entry("2", ">=2 <4"))]));
  r.run();
  r.advance(60_000);
  return r;
}
const versionFor = (r: RegionDouble, playerId: string, clientVersion?: string): string => {
  const placed = r.must<Placement>(join(playerId, clientVersion === undefined ? {} : { clientVersion }));
  return r.must<Server>({ type: "getServer", serverId: placed.server.id }).version;
};

it.each<[string | undefined, string | undefined, string, string | null, boolean]>([
  [undefined, "1.5.0", "9", null, true],
  [undefined, "1.5.0", "9", "^1.4", true],
  [undefined, "2.0.0", "9", "^1.4", false],
  ["9", "1.5.0", "9", "^1.4", true],
  ["8 || ^9", "1.5.0", "9.1", "^1.4", true],
  ["8", "1.5.0", "9", "^1.4", false],
  ["9", "2.0.0", "9", "^1.4", false],
  [undefined, "beta", "9", "beta || ^1.4", true],
  ["9", undefined, "9", "^1.4", true],
])("version %j and client %j: %s that takes clients %j is %j", (version, client, name, clients, fits) => {
  expect(takesWish(wishOf(version, client) ?? "", name, clients)).toBe(fits);
});

it("says a wish in words", () => {
  expect(wishWords(wishOf("^9", "1.5.0") ?? "")).toBe(
    'version that "^9" takes and servers for clients of version "1.5.0"',
  );
  expect(wishWords(wishOf("9", undefined) ?? "")).toBe('version "9"');
});

it("gives each client a server that takes it while two versions run", () => {
  const r = twoVersions();
  expect(versionFor(r, "old", "1.9.9")).toBe("1");
  expect(versionFor(r, "new", "2.0.0")).toBe("2");
  expect(versionFor(r, "newer", "3.9.0")).toBe("2");
  // Who does not say what it is gets what is current.
  expect(versionFor(r, "silent")).toBe("2");
});

it("tells a client that nothing takes what each version does take", () => {
  const r = twoVersions();
  const refused = r.call(join("x", { clientVersion: "4.0.0" }));
  expect(refused).toEqual({
    ok: false,
    problem: {
      code: "clientUnsupported",
      detail:
        'no server of arena takes a client of version "4.0.0" here: "2" takes clients ">=2 <4", "1" takes clients "<2"',
      info: { clientVersion: "4.0.0", versions: { 2: ">=2 <4", 1: "<2" } },
    },
  });
  expect(r.call(join("y", { version: "2", clientVersion: "1.0.0" }))).toMatchObject({
    problem: {
      code: "clientUnsupported",
      detail: expect.stringMatching(/^no server of "2" of arena takes a client of version "1.0.0" here/) as string,
    },
  });
  expect(code(r.call(join("z", { version: "7", clientVersion: "2.0.0" })))).toBe("unknownVersion");
});

it("takes every client where forge.toml names none", () => {
  const r = arena(entry("1", undefined));
  expect(versionFor(r, "x", "0.0.1")).toBe("1");
});

it("holds a match to its clients, with selectors too", () => {
  const r = arena({ ...entry("1", "<2"), seats: "match" });
  const match = (matchId: string, clientVersion: string, selectors: readonly { version?: string }[] = []) =>
    r.call({
      type: "allocateMatch",
      experienceId: "arena",
      matchId,
      players: [{ playerId: matchId }],
      clientVersion,
      selectors,
    });
  expect(code(match("m1", "1.2.0"))).toBe("ok");
  expect(code(match("m2", "2.0.0"))).toBe("clientUnsupported");
  expect(code(match("m3", "2.0.0", [{ version: "1" }, {}]))).toBe("clientUnsupported");
  expect(code(match("m4", "1.2.0", [{ version: "1" }]))).toBe("ok");
});

it("puts clients by hand only on a server that takes them, and keeps to it when they are moved", () => {
  const r = twoVersions();
  const old = r.must<Placement>(join("old", { clientVersion: "1.5.0" })).server.id;
  const route = (player: string, clientVersion?: string) =>
    r.call({
      type: "routePlayers",
      serverId: old,
      players: [player],
      ...(clientVersion !== undefined && { clientVersion }),
    });
  expect(route("new", "2.0.0")).toEqual({
    ok: false,
    problem: {
      code: "clientUnsupported",
      detail: `server ${old} of version "1" takes clients "<2", not one of version "2.0.0"`,
      info: { serverId: old, clientVersion: "2.0.0", versions: { 1: "<2" } },
    },
  });
  expect(code(route("silent"))).toBe("ok");
  expect(code(route("fits", "1.9.0"))).toBe("ok");
  r.kill(old);
  r.run();
  r.advance(5000);
  const [moved] = r.must<{ serverId: string }[]>({ type: "findSessions", playerId: "fits" });
  expect(moved?.serverId).not.toBe(old);
  expect(r.must<Server>({ type: "getServer", serverId: moved?.serverId ?? "" }).version).toBe("1");
});

it("says of each server which clients it takes, also of one that has ended, whose version is forgotten", () => {
  const r = arena(entry("1", "<2"));
  const taken = () => r.must<Server[]>({ type: "listServers" }).map(({ version, clients }) => [version, clients]);
  expect(taken()).toEqual([
    ["1", "<2"],
    ["1", "<2"],
  ]);
  r.setSettings(testSettings([testExperience("arena", entry("1", "<3"))]));
  r.run();
  expect(taken()[0]).toEqual(["1", "<3"]);
  r.setSettings(testSettings([testExperience("arena", entry("2", ">=2"))]));
  r.run();
  r.advance(30_000);
  expect(taken()).toEqual([
    ["2", ">=2"],
    ["2", ">=2"],
  ]);
  expect(r.must<Server[]>({ type: "listServers", state: "terminated" })[0]).toMatchObject({
    version: "1",
    clients: "<2",
  });
  const free = arena(entry("1", undefined));
  expect(free.must<Server[]>({ type: "listServers" })[0]?.clients).toBeNull();
});

it("keeps to it when the player is moved, and under the next leader", () => {
  const r = twoVersions();
  const placed = playing(r, "mover", { clientVersion: "1.5.0" });
  r.restart();
  r.run();
  r.kill(placed.server.id);
  r.run();
  r.advance(5000);
  const { serverId } = r.must<{ serverId: string }>({ type: "getSession", sessionId: placed.session.id });
  expect(serverId).not.toBe(placed.server.id);
  expect(r.must<Server>({ type: "getServer", serverId }).version).toBe("1");
});

it("what the servers of a version were started with counts where forge.toml has no entry of it any more", () => {
  const r = twoVersions();
  r.setSettings(testSettings([testExperience("arena", entry("3", ">=4"))]));
  r.run();
  r.advance(30_000);
  r.restart();
  r.run();
  expect(versionFor(r, "old", "1.0.0")).toBe("1");
  expect(code(r.call(join("newest", { clientVersion: "4.1.0" })))).toBe("ok");
});

it("a version that took any client still does under the next leader, though forge.toml's newer one is strict", () => {
  const r = arena(entry("1", undefined));
  playing(r, "a");
  r.setSettings(testSettings([testExperience("arena", entry("2", ">=2"))]));
  r.run();
  r.advance(30_000);
  r.restart();
  r.run();
  expect(versionFor(r, "old", "1.0.0")).toBe("1");
});

it("a canary grows for clients that only it takes", () => {
  const rollout = { ...testExperience("arena").rollout, canaryShare: 0.25 };
  const r = arena({ ...entry("1", "<2", 4), rollout });
  r.setSettings(testSettings([testExperience("arena", { ...entry("2", ">=2", 4), rollout })]));
  r.run();
  r.advance(5000);
  expect(versionFor(r, "n0", "2.0.0")).toBe("2");
  for (let i = 1; i < 12; i++) r.ask(join(`n${String(i)}`, { clientVersion: "2.0.0" }));
  r.advance(30_000);
  const versions = r
    .must<Server[]>({ type: "listServers" })
    .filter(({ state, version }) => state === "ready" && version === "2");
  expect(versions.length).toBeGreaterThan(1);
  r.must(put({ rollout: "promote" }));
});

it("starts a server with what it takes, and tells other regions", () => {
  const r = arena(entry("1", ">=1 <2"));
  const [launch] = r.engine.launches.values();
  expect(launch?.meta).toMatchObject({ clients: ">=1 <2" });
  expect(launch?.tasks[0]?.env).toMatchObject({ FORGE_CLIENTS: ">=1 <2" });
  const { summary } = r.must<{ summary: RegionSummary }>({ type: "getRegion" });
  expect(summary.experiences["arena"]).toMatchObject([{ version: "1", clients: ">=1 <2" }]);
});
