import { RegionDouble } from "./testing/region-double";
import { arena, code, join, servers } from "./testing/ask";
import { testExperience, testRole, testSettings } from "./testing/settings-double";
import type { DecisionRecord, Fleet, Placement, Server } from "./resources";

const count = (r: RegionDouble): number => r.must<Server[]>(servers).length;
const ups = (r: RegionDouble): { at: number; from: number; to: number }[] =>
  r.events.flatMap((event) =>
    event.type === "scaling" && event.action === "up"
      ? [{ at: Date.parse(event.at), from: event.from, to: event.to }]
      : [],
  );

it("starts servers at once when somebody waits, as many as they need", () => {
  const r = arena({ maxPlayers: 2, scaling: { minServers: 0 } });
  for (let i = 0; i < 7; i++) r.ask(join(`p${String(i)}`));
  expect(r.engine.starts).toBe(4);
  r.run();
  expect(count(r)).toBe(4);
});

it("starts nothing for players who wait while no agent is heard, and seats them where they can sit when it is", () => {
  const r = arena({ maxPlayers: 4, scaling: { minServers: 1 }, routing: { queueDeadlineSecs: 60 } });
  r.cut("n1");
  r.ask(join("ann"));
  r.advance(20_000);
  expect(r.engine.starts).toBe(1);
  const { reasons } = r.must<DecisionRecord>({ type: "getDecision", id: "arena" });
  expect(reasons.at(-1)).toContain("1 wait");
  expect(reasons.at(-1)).toContain("no agent of the region is heard");
  r.connect("n1");
  r.run();
  expect(r.must<Server[]>(servers)).toMatchObject([{ players: 1 }]);
});

it("starts one more for players who wait while another node's agent is heard", () => {
  const r = arena({ maxPlayers: 4, scaling: { minServers: 1 } }, ["n1", "n2"]);
  const [only] = r.must<Server[]>(servers);
  r.cut(only?.nodeId ?? "");
  r.ask(join("ann"));
  r.run();
  expect(r.engine.starts).toBe(2);
});

it("scales up on CPU at the interval, by as much as the load asks for", () => {
  const r = arena({ scaling: { minServers: 2 } });
  for (const { id } of r.must<Server[]>(servers))
    r.agentOf(id).say(
      id,
      {
        kind: "stats",
        stats: { cpu: 1.4, memoryBytes: 1, players: 0, responseMs: undefined, errorRate: undefined, atMs: r.nowMs },
      },
      r.nowMs,
    );
  r.run().advance(10_000);
  expect(count(r)).toBe(4);
});

it("scales up when answers are slow", () => {
  const r = arena({ maxPlayers: 100, scaling: { minServers: 1, targetResponseMs: 50 } });
  for (let i = 0; i < 12; i++) {
    r.ask(join(`p${String(i)}`));
    r.advance(80, true);
    r.run();
  }
  r.advance(10_000);
  expect(ups(r).length).toBeGreaterThan(1);
});

it.each([
  ["as a call asks, though forge.toml does not", undefined, 50, true],
  ["not as forge.toml asks, where a call says otherwise", 50, null, false],
])("scales up when answers are slow %s", (_, targetResponseMs, put, up) => {
  const r = arena({ maxPlayers: 100, scaling: { minServers: 1, targetResponseMs } });
  const policy = { targetResponseMs: put };
  expect(r.must<Fleet>({ type: "putFleet", experienceId: "arena", policy }).policy).toMatchObject(policy);
  for (let i = 0; i < 12; i++) {
    r.ask(join(`p${String(i)}`));
    r.advance(80, true);
    r.run();
  }
  r.advance(10_000);
  expect(ups(r).length > 1).toBe(up);
});

it("keeps a buffer of ready servers", () => {
  const r = arena({ maxPlayers: 1, scaling: { minServers: 0, buffer: { kind: "servers", servers: 2 } } });
  expect(count(r)).toBe(2);
  r.must(join("ann"));
  r.advance(30_000);
  expect(count(r)).toBe(3);
});

it("keeps its step's cooldown", () => {
  const r = arena({
    maxPlayers: 1,
    scaling: { minServers: 0, maxServers: 10, scaleUpCooldownSecs: 30 },
    routing: { queueDeadlineSecs: 300 },
  });
  r.must(join("a"));
  r.advance(12_000);
  const before = count(r);
  r.must(join("b"));
  r.advance(17_000);
  expect(count(r)).toBe(before);
  r.advance(2000);
  expect(count(r)).toBe(before + 1);
});

it("sees a threshold crossed at once, also while servers that could go wait for their cooldown", () => {
  const r = arena({
    maxPlayers: 20,
    scaling: { minServers: 3, targetPlayers: 2, scaleUpCooldownSecs: 0, scaleDownCooldownSecs: 600 },
  });
  const policy = { minServers: 1 };
  r.must({ type: "putFleet", experienceId: "arena", policy });
  r.advance(10_000);
  expect([count(r), r.engine.starts]).toEqual([3, 3]);
  for (let i = 0; i < 7; i++) r.must(join(`p${String(i)}`));
  expect(r.engine.starts).toBe(4);
});

it("takes no server down that somebody comes onto at that moment", () => {
  const r = arena({ maxPlayers: 4, scaling: { minServers: 1, scaleDownCooldownSecs: 0 } });
  r.must({ type: "putFleet", experienceId: "arena", desired: 2 });
  r.run();
  const closing: string[] = [];
  r.watch = (decision) => {
    if (decision.type === "send" && decision.body.kind === "close") closing.push(decision.body.serverId);
  };
  r.ask({ type: "putFleet", experienceId: "arena", desired: 0 });
  r.advance(10_000, true);
  const [serverId = ""] = closing;
  const server = r.agentOf(serverId).servers.get(serverId);
  if (server) server.walkIns = 1;
  r.run();
  expect(r.must<Server>({ type: "getServer", serverId }).state).toBe("ready");
  expect(r.engine.running(serverId)).toBe(true);
});

it("shares the region's maximum fairly", () => {
  const many = { maxPlayers: 1, scaling: { minServers: 0, maxServers: 10, scaleUpCooldownSecs: 0 } };
  const settings = testSettings(
    [testExperience("a", many), testExperience("b", { ...many, scaling: { ...many.scaling, minServers: 1 } })],
    { scaling: { ...testSettings([]).scaling, maxServersPerRegion: 6 } },
  );
  const r = new RegionDouble(settings).start();
  for (let i = 0; i < 9; i++) r.call({ type: "createSession", playerId: `p${String(i)}`, experienceId: "a" });
  expect(r.must<Fleet>({ type: "getFleet", experienceId: "a" }).servers.ready).toBe(5);
  r.call({ type: "createSession", playerId: "q0", experienceId: "b" });
  r.call({ type: "createSession", playerId: "q1", experienceId: "b" });
  expect(count(r)).toBe(6);
});

it("gives a region its minimum", () => {
  const settings = testSettings(
    [
      testExperience("a", { scaling: { minServers: 1, maxServers: 2 } }),
      testExperience("b", { scaling: { minServers: 0 } }),
    ],
    { scaling: { ...testSettings([]).scaling, minServersPerRegion: 5 } },
  );
  const r = new RegionDouble(settings).start();
  expect([r.must<Server[]>({ ...servers, experienceId: "a" } as typeof servers).length, count(r)]).toEqual([2, 5]);
  const why = r.events.flatMap((event) => (event.type === "scaling" ? [event.reason] : []));
  expect(why.filter((reason) => reason.includes("by the region's min_servers_per_region"))).not.toEqual([]);
});

it("names the region's minimum only where the experience's own asks for less", () => {
  const r = arena({ scaling: { minServers: 1 } });
  const why = r.events.flatMap((event) => (event.type === "scaling" ? [event.reason] : []));
  expect(why[0]).toBe("0 servers are below the minimum of 1");
});

describe("putFleet", () => {
  it("changes the policy in force at once", () => {
    const r = arena({ scaling: { minServers: 1 } });
    const fleet = r.must<Fleet>({
      type: "putFleet",
      experienceId: "arena",
      policy: { minServers: 3, targetPlayers: 2 },
    });
    expect(fleet.policy).toMatchObject({ minServers: 3, targetPlayers: 2, maxServers: 10 });
    expect(count(r)).toBe(3);
  });

  it("holds a floor until it is taken back", () => {
    const r = arena({ scaling: { minServers: 1, scaleDownCooldownSecs: 1 } });
    r.must({ type: "putFleet", experienceId: "arena", desired: 4 });
    r.advance(30_000);
    expect(count(r)).toBe(4);
    r.must({ type: "putFleet", experienceId: "arena", desired: 0 });
    r.advance(60_000);
    expect(count(r)).toBe(1);
  });

  it("rolls a version out: new servers run it, old ones go as they empty", () => {
    const r = arena({ image: "registry/arena:1", scaling: { minServers: 2 } });
    const ann = r.must<Placement>(join("ann"));
    r.must({ type: "putFleet", experienceId: "arena", version: "2" });
    r.advance(3000);
    expect(
      r
        .must<Server[]>(servers)
        .map(({ version }) => version)
        .sort(),
    ).toEqual(["1", "2"]);
    expect([...r.engine.launches.values()].at(-1)?.tasks[0]?.image).toBe("registry/arena:2");
    expect(code(r.call(join("bob", { version: "1" })))).toBe("ok");
    expect(r.must<Placement>(join("cyd")).server.id).not.toBe(ann.server.id);
    for (const player of ["ann", "bob"]) {
      const [session] = r.must<{ id: string }[]>({ type: "findSessions", playerId: player });
      r.must({ type: "endSession", sessionId: session?.id ?? "", reason: "done" });
    }
    r.run();
    r.advance(3000);
    expect(r.must<Server[]>(servers).map(({ version }) => version)).toEqual(["2", "2"]);
  });

  it.each([
    [{ policy: { minServers: -1 } }, "minServers is a whole number from 0, not -1"],
    [{ policy: { minServers: 20 } }, "minServers (20) is above maxServers (10)"],
    [{ policy: { targetCpu: 0 } }, "targetCpu is above 0, not 0"],
    [{ desired: 99 }, "desired (99) is above maxServers (10)"],
    [{ policy: { scaleDownThreshold: 0.9 } }, "scaleDownThreshold (0.9) is above scaleUpThreshold (0.7)"],
  ])("refuses %j", (more, detail) => {
    expect(arena().call({ type: "putFleet", experienceId: "arena", ...more })).toMatchObject({
      ok: false,
      problem: { code: "invalid", detail },
    });
  });
});

describe("roles of a fleet", () => {
  const physics = testRole("physics");

  it("keep nothing waiting that a leader who has fallen would start", () => {
    const r = new RegionDouble(
      testSettings([testExperience("arena", { roles: [physics], scaling: { minServers: 1 } })]),
    );
    r.autoReady = false;
    r.start();
    const asked = r.ask({ type: "spawnServer", experienceId: "arena", waitReady: true });
    expect([...r.engine.launches.values()].map(({ role }) => role)).toEqual(["physics"]);
    r.give({ type: "leadership", leader: false, epoch: r.epoch });
    expect(r.reply(asked)).toMatchObject({ ok: false, problem: { code: "notLeader" } });
    const decided: string[] = [];
    r.watch = ({ type }) => void (type === "wake" || decided.push(type));
    const [helper] = r.must<Server[]>(servers);
    r.agent("n1").becomeReady(helper?.id ?? "", r.nowMs);
    r.run().advance(10_000);
    expect(decided.filter((type) => type !== "reply")).toEqual([]);
    expect(r.engine.starts).toBe(1);
    // Whoever leads then starts what is missing.
    r.autoReady = true;
    r.lead();
    r.give({ type: "engineList", servers: r.engine.list() });
    r.run().advance(10_000);
    expect([...r.engine.launches.values()].map(({ role }) => role)).toEqual(["physics", "server"]);
  });

  it("start first, are found through the environment, and are told of when they change", () => {
    const r = arena({ roles: [physics], scaling: { minServers: 1 } });
    const started = [...r.engine.launches.values()];
    expect(started.map(({ role }) => role)).toEqual(["physics", "server"]);
    const address = started[1]?.tasks[0]?.env.FORGE_ROLE_PHYSICS ?? "";
    expect(address).toMatch(/^10\.0\.0\.1:\d+$/);
    const [helper] = r.must<Server[]>(servers).filter(({ role }) => role === "physics");
    r.kill(helper?.id ?? "");
    r.run();
    const notices = r.agent("n1").notices.flatMap(({ notice }) => (notice.kind === "peers" ? [notice.addresses] : []));
    expect(notices.at(-1)).toHaveLength(1);
    expect(notices.at(-1)).not.toEqual([address]);
  });

  it("are waited for no longer than 5 s", () => {
    const r = arena({ roles: [physics], scaling: { minServers: 0 } });
    r.kill(r.must<Server[]>(servers)[0]?.id ?? "");
    r.autoReady = false;
    r.advance(1000);
    const asked = r.ask({ type: "spawnServer", experienceId: "arena", waitReady: false });
    expect(r.reply(asked)).toMatchObject({ ok: true, value: { state: "starting" } });
    const primaries = (): number => [...r.engine.launches.values()].filter(({ role }) => role === "server").length;
    const early = primaries();
    r.advance(5000);
    expect([early, primaries()]).toEqual([0, 1]);
  });
});

it("empties what forge.toml has no longer", () => {
  const r = arena({ scaling: { minServers: 2 } });
  const { session } = r.must<Placement>(join("ann"));
  r.setSettings(testSettings([]));
  r.run();
  expect(count(r)).toBe(1);
  r.must({ type: "endSession", sessionId: session.id, reason: "done" });
  r.advance(2000);
  expect(count(r)).toBe(0);
  expect(code(r.call(join("bob")))).toBe("unknownExperience");
});
