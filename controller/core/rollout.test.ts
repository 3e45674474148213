import { arena, code, join, servers } from "./testing/ask";
import { RegionDouble } from "./testing/region-double";
import { fleet, put, steps, versions } from "./testing/rollouts";
import { testExperience, testSettings } from "./testing/settings-double";
import type { Placement, Server } from "./resources";

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

it("stays as far as it is where forge.toml comes to name its version, with a canary", () => {
  const of = (version: string) =>
    testSettings([
      testExperience("arena", { version, rollout: { ...testExperience("arena").rollout, canaryShare: 0.2 } }),
    ]);
  const r = new RegionDouble(of("1"), ["n1"]).start();
  const { session, server } = r.must<Placement>(join("ann"));
  r.agentOf(server.id).join(server.id, session.id, 1, r.nowMs);
  r.must(put({ version: "2" }));
  r.advance(5000);
  r.setSettings(of("2"));
  r.run().advance(5000);
  expect(fleet(r)).toMatchObject({ version: "2", rollout: { state: "rolling", share: 1 } });
  // A canary's share is what was said last.
  r.must(put({ version: "3", canary: 0.5 }));
  r.setSettings(of("3"));
  expect(fleet(r)).toMatchObject({ version: "2", rollout: { state: "canary", toVersion: "3", share: 0.2 } });
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

it.each([
  ["as a whole", {}],
  ["as a canary", { canary: 0.5 }],
])("ends where servers of the version that is taken in %s are up already", (_how, share) => {
  const config = testExperience("arena", {
    scaling: { minServers: 2, maxServers: 4 },
    rollout: { ...testExperience("arena").rollout, promoteAfterSecs: 5 },
  });
  const r = new RegionDouble(testSettings([config]), ["n1"]).start();
  for (const over of [{ version: "2" }, { version: "3" }, { version: "1", ...share }]) r.ask(put(over));
  r.advance(60_000);
  expect(fleet(r)).toMatchObject({ version: "1", rollout: null });
  expect(versions(r)).toEqual({ 1: 2 });
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
  [{ version: "^2" }, "version names the one that new servers run, and ^2 is a range"],
  [{ rollout: "promote" }, "arena is taking no version in: all its new servers run 1"],
  [
    { rollout: "pause", version: "2" },
    "rollout stands alone: it says what becomes of the version that is being taken in",
  ],
])("refuses %j", (over, detail) => {
  expect(arena().call(put(over))).toMatchObject({ ok: false, problem: { code: "invalid", detail } });
});

describe("a client that speaks a range of versions", () => {
  /** Half of the fleet runs 1.4.0, the other 1.5.0 as a canary. */
  function halves(): RegionDouble {
    const r = arena({ version: "1.4.0", scaling: { minServers: 4, maxServers: 8 } });
    r.must(put({ version: "1.5.0", canary: 0.5 }));
    r.advance(5000);
    expect(versions(r)).toEqual({ "1.4.0": 2, "1.5.0": 2 });
    return r;
  }
  const versionOf = (r: RegionDouble, { server }: Placement): string =>
    r.must<Server>({ type: "getServer", serverId: server.id }).version;

  it.each([
    ["^1.4", ["1.4.0", "1.5.0"]],
    ["~1.4.0", ["1.4.0"]],
    [">=1.5 <2", ["1.5.0"]],
    ["1.5.0 || 1.6.0", ["1.5.0"]],
  ])("%s gets a server of those alone", (version, expected) => {
    const r = halves();
    const given = ["a", "b", "c", "d"].map((player) => versionOf(r, r.must<Placement>(join(player, { version }))));
    expect([...new Set(given)].sort()).toEqual(expected);
  });

  it("is told what there is where it speaks none of it", () => {
    const refused = halves().call(join("ann", { version: ">=2" }));
    expect(refused).toMatchObject({
      problem: {
        code: "unknownVersion",
        detail: 'arena has no version that ">=2" takes here; it has "1.4.0", "1.5.0"',
      },
    });
  });

  it("keeps to it in the queue, when it is moved, and under the next leader; a canary grows for it", () => {
    const r = arena({
      version: "1.4.0",
      maxPlayers: 1,
      scaling: { minServers: 4, maxServers: 8, scaleUpCooldownSecs: 0 },
    });
    r.must(put({ version: "1.5.0", canary: 0.25 }));
    r.advance(5000);
    const ann = r.must<Placement>(join("ann", { version: "^1.5" }));
    const waits = r.ask(join("bo", { version: "^1.5" }));
    r.advance(5000);
    expect(r.reply(waits).ok).toBe(true);
    expect(versions(r)["1.5.0"]).toBe(2);
    r.restart();
    r.run();
    r.advance(1000);
    r.kill(ann.server.id);
    r.advance(10_000);
    const [session] = r.must<{ serverId: string }[]>({ type: "findSessions", playerId: "ann" });
    expect(session?.serverId).not.toBe(ann.server.id);
    expect(r.must<Server>({ type: "getServer", serverId: session?.serverId ?? "" }).version).toBe("1.5.0");
  });

  it("finds an old server whose players are still on, while all new ones run the next version", () => {
    const r = arena({ version: "1.4.0", scaling: { minServers: 2, maxServers: 8 } });
    const first = r.must<Placement>(join("ann"));
    r.must(put({ version: "2.0.0" }));
    r.advance(15_000);
    expect(versions(r)).toMatchObject({ "1.4.0": 1 });
    expect(r.must<Placement>(join("bo", { version: "^1.4 || ^1.5" })).server.id).toBe(first.server.id);
    expect(versionOf(r, r.must<Placement>(join("cy", { version: ">=1.4" })))).toBe("2.0.0");
  });

  it("is no version that a server could be started with", () => {
    expect(
      code(arena().call({ type: "spawnServer", experienceId: "arena", version: "1 || 2", waitReady: false })),
    ).toBe("unknownVersion");
  });
});

it.each(["reported", "match"] as const)(
  "grows a canary for those who ask for it by name and do not wait, however much is free of the other (%s)",
  (seats) => {
    const r = arena({ seats, maxPlayers: 2, scaling: { minServers: 3, maxServers: 8, scaleUpCooldownSecs: 1 } });
    r.must(put({ version: "2", canary: 0.1 }));
    r.advance(3000);
    r.must(join("ann", { version: "2", party: ["ben"] }));
    const asks = (): string => code(r.call(join("cyd", { version: "2", deadlineMs: 0 })));
    expect(asks()).toBe("noCapacity");
    r.advance(2000);
    expect(asks()).toBe("ok");
    // Once they have been served, no more are started for them.
    r.advance(30_000);
    expect(versions(r)[2]).toBe(2);
  },
);

it("starts one of the version before for those who ask for it by name and do not wait, while a rollout is paused", () => {
  const r = arena({ maxPlayers: 4, scaling: { minServers: 1, maxServers: 3, scaleUpCooldownSecs: 1 } });
  const { session, server } = r.must<Placement>(join("ann"));
  r.agentOf(server.id).join(server.id, session.id, 1, r.nowMs);
  r.must(put({ version: "2" }));
  r.advance(5000);
  r.must(put({ rollout: "pause" }));
  r.must({ type: "terminateServer", serverId: server.id, drainSecs: 0, force: true, reason: "by hand" });
  r.advance(10_000);
  expect(versions(r)).toEqual({ 2: 1 });
  const asks = (): string => code(r.call(join("cyd", { version: "1", deadlineMs: 0 })));
  expect(asks()).toBe("noCapacity");
  r.advance(2000);
  expect(asks()).toBe("ok");
});

describe("who waits for the version that is being taken in, by name, while none of it is started", () => {
  const region = (over: Parameters<typeof arena>[0] = {}) => {
    const { rollout } = testExperience("arena");
    const r = arena({
      maxPlayers: 1,
      scaling: { minServers: 1, maxServers: 8, scaleUpCooldownSecs: 1 },
      routing: { queueDeadlineSecs: 600 },
      rollout: { ...rollout, maxFailures: 5, onFailure: "pause" },
      ...over,
    });
    return r;
  };
  const stay = (r: RegionDouble, { session, server }: Placement): void => {
    r.agentOf(server.id).join(server.id, session.id, 1, r.nowMs);
    r.run();
  };

  it.each([
    ["paused as a canary", { version: "2", canary: 0.1 }],
    ["paused in all new servers", { version: "2" }],
  ])("has none of the other started for them: %s", (_how, over) => {
    const r = region();
    stay(r, r.must<Placement>(join("old")));
    r.must(put(over));
    r.advance(3000);
    stay(r, r.must<Placement>(join("new", { version: "2" })));
    const before = versions(r);
    r.must(put({ rollout: "pause" }));
    r.must(join("ann", { version: "2" }));
    r.advance(60_000);
    expect(versions(r)).toEqual(before);
    // Once it goes on there is one for them.
    r.must(put({ rollout: "resume" }));
    r.advance(10_000);
    expect(versions(r)[2]).toBe(2);
  });

  it.each([
    ["seats", "reported"],
    ["whole servers", "match"],
  ] as const)("has none of the other started for them: held back as its starts failed, in %s", (_what, seats) => {
    const r = region({ seats });
    r.broken.add("2");
    r.must(put({ version: "2", canary: 0.1 }));
    r.run();
    r.must(join("ann", { version: "2" }));
    let most = 0;
    for (let i = 0; i < 120; i++) most = Math.max(most, versions(r.advance(1000))[1] ?? 0);
    expect(most).toBe(1);
    // The other is started for whom it takes, all the same.
    stay(r, r.must<Placement>(join("bob")));
    r.must(join("cyd"));
    r.advance(10_000);
    expect(versions(r)[1]).toBe(2);
  });
});

it("starts none beside the old ones where the chain's greatest number leaves no room for it", () => {
  const chain = [{ buffer: { bufferSize: 1, maxReplicas: 2 } }];
  const scaling = { minServers: 1, maxServers: 6, scaleUpCooldownSecs: 1, scaleDownCooldownSecs: 5, chain };
  const r = arena({ maxPlayers: 1, scaling });
  for (const player of ["ann", "bob"]) {
    const { session, server } = r.must<Placement>(join(player));
    r.agentOf(server.id).join(server.id, session.id, 1, r.nowMs);
    r.run().advance(2000);
  }
  r.must(put({ version: "2" }));
  const before = r.events.length;
  r.advance(600_000);
  expect(r.events.slice(before).filter(({ type }) => type === "server.spawned")).toEqual([]);
  expect(versions(r)).toEqual({ 1: 2 });
});

it.each([
  ["reported", "rolled on", {}],
  ["match", "rolled on", {}],
  ["reported", "rolled back", { rollout: "rollback" }],
] as const)(
  "starts no server that scaling takes away again while old ones are played on: %s, %s",
  (seats, _how, next) => {
    const scaling = { minServers: 1, maxServers: 3, scaleUpCooldownSecs: 2, scaleDownCooldownSecs: 5 };
    const r = arena({ seats, maxPlayers: 2, scaling });
    if ("rollout" in next) {
      r.must(put({ version: "2" }));
      r.advance(1);
    }
    const { session, server } = r.must<Placement>(join("ann"));
    r.agentOf(server.id).join(server.id, session.id, 1, r.nowMs);
    r.run();
    r.must(put("rollout" in next ? { version: "1" } : { version: "2" }));
    const before = r.events.length;
    r.advance(600_000);
    const started = r.events.slice(before).filter(({ type }) => type === "server.spawned");
    expect(started.length).toBeLessThanOrEqual(1);
    expect(Object.values(versions(r))).toEqual([1, 1]);
    r.must({ type: "endSession", sessionId: session.id, reason: "left" });
    if (seats === "match") r.agentOf(server.id).endMatch(server.id, r.nowMs);
    r.run().advance(60_000);
    expect(Object.values(versions(r))).toEqual([1]);
  },
);
