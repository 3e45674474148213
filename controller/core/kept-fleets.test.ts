import { arena, code, join, servers } from "./testing/ask";
import type { RegionDouble } from "./testing/region-double";
import { fleet, put, steps, versions } from "./testing/rollouts";
import { testExperience, testSettings } from "./testing/settings-double";
import type { Fleet, Placement, Server } from "./resources";

/** The leader's process ends, and the next one has learnt what there is. */
function nextLeader(r: RegionDouble): void {
  r.restart();
  r.run();
}

describe("a leader that ends in the middle of a rollout", () => {
  it("leaves a canary to the next at its share, and with it what players are given", () => {
    const r = arena({ scaling: { minServers: 10, maxServers: 20 } });
    r.must(put({ version: "2", canary: 0.2 }));
    r.advance(5000);
    const { version, policy, rollout } = fleet(r);
    nextLeader(r);
    expect(fleet(r)).toMatchObject({ version, policy, rollout });
    expect(r.must({ type: "getDecision", id: "arena" })).toMatchObject({
      kind: "rollout",
      outcome: "goes on as the leader before left it",
      reasons: expect.arrayContaining(["version 2 was being taken in for 1: asked for"]) as string[],
    });
    r.advance(30_000);
    expect(versions(r)).toEqual({ 1: 8, 2: 2 });
    const byId = new Map(r.must<Server[]>(servers).map((server) => [server.id, server.version]));
    const given = Array.from({ length: 20 }, (_, i) => byId.get(r.must<Placement>(join(`p${String(i)}`)).server.id));
    expect(given.filter((version) => version === "2")).toHaveLength(4);
    r.must(put({ rollout: "promote" }));
    nextLeader(r);
    r.advance(5000);
    expect(fleet(r)).toMatchObject({ version: "2", rollout: { state: "rolling" } });
    expect(steps(r)).toEqual(["started 2", "promoted 2"]);
  });

  it("leaves it paused, and how long the canary has been up", () => {
    const rollout = { ...testExperience("arena").rollout, promoteAfterSecs: 60 };
    const r = arena({ rollout, scaling: { minServers: 4 } });
    r.must(put({ version: "2", canary: 0.25 }));
    r.advance(40_000);
    r.must(put({ rollout: "pause" }));
    nextLeader(r);
    r.advance(60_000);
    expect(fleet(r)).toMatchObject({ version: "1", rollout: { state: "canary", paused: true } });
    r.must(put({ rollout: "resume" }));
    nextLeader(r);
    r.advance(1000);
    expect(steps(r)).toEqual(["started 2", "paused 2", "resumed 2", "promoted 2", "done 2"]);
  });

  it("leaves a roll back as one, with the program of the version before", () => {
    const entry = { scaling: { minServers: 2 } };
    const r = arena({ ...entry, command: "one" });
    r.setSettings(testSettings([testExperience("arena", { ...entry, command: "two", version: "2" })]));
    r.run();
    r.must(put({ rollout: "rollback" }));
    nextLeader(r);
    expect(fleet(r)).toMatchObject({ version: "1", rollout: null });
    r.must(put({ policy: { minServers: 4 } }));
    r.advance(60_000);
    expect(versions(r)).toEqual({ 1: 4 });
    expect([...r.engine.launches.values()].slice(-2).map(({ tasks }) => tasks[0]?.command)).toEqual(["one", "one"]);
  });

  it("leaves its failures: it takes so many in all, not so many under each leader", () => {
    const r = arena({ readyTimeoutSecs: 2, scaling: { minServers: 3, maxServers: 6 } });
    r.broken.add("2");
    r.must(put({ version: "2" }));
    for (let failures = 1; failures < 3; failures++) {
      for (let i = 0; i < 60 && (fleet(r).rollout?.failures ?? 0) < failures; i++) r.advance(1000);
      nextLeader(r);
      expect(fleet(r).rollout?.failures).toBe(failures);
    }
    r.advance(20_000);
    expect(steps(r)).toEqual(["started 2", "rolledBack 1"]);
  });
});

it("keeps the policy and the floor that were put, until forge.toml says otherwise", () => {
  const r = arena();
  r.must(put({ desired: 3, policy: { maxServers: 7, buffer: "50%" } }));
  nextLeader(r);
  expect(fleet(r)).toMatchObject({ desired: 3, policy: { maxServers: 7, buffer: "50%", minServers: 1 } });
  const told = r.records.filter(({ outcome }) => outcome === "goes on as the leader before left it");
  expect(told.flatMap(({ reasons }) => reasons)).toEqual([
    "a policy was put by hand: maxServers, buffer",
    "3 servers at least were asked for",
  ]);
  r.setSettings(testSettings([testExperience("arena", { scaling: { minServers: 2 } })]));
  r.run();
  nextLeader(r);
  expect(fleet(r).policy).toMatchObject({ maxServers: 10, minServers: 2, buffer: 0 });
  r.advance(180_000);
  expect(versions(r)).toEqual({ 1: 2 });
});

it("rolls out a version that forge.toml named while nobody led, its canary first", () => {
  const rollout = { ...testExperience("arena").rollout, canaryShare: 0.25 };
  const r = arena({ rollout, scaling: { minServers: 4 } });
  const next = testExperience("arena", { rollout, version: "2", scaling: { minServers: 4 } });
  r.give({ type: "leadership", leader: false, epoch: r.epoch });
  r.setSettings(testSettings([next]));
  nextLeader(r);
  r.advance(5000);
  expect(fleet(r)).toMatchObject({ version: "1", rollout: { toVersion: "2", state: "canary", share: 0.25 } });
  expect(versions(r)).toEqual({ 1: 3, 2: 1 });
});

it("does not take for failures of a version what a leader between had stopped", () => {
  const rollout = { ...testExperience("arena").rollout, maxFailures: 1 };
  const r = arena({ rollout, scaling: { minServers: 4 } });
  r.must(put({ version: "2", canary: 0.5 }));
  r.advance(5000);
  const ended = r.must<Server[]>(servers).filter(({ version }) => version === "2");
  expect(ended).toHaveLength(2);
  r.give({ type: "leadership", leader: false, epoch: r.epoch });
  for (const { id } of ended) r.engine.stop(id, r.nowMs);
  r.run();
  r.lead();
  r.give({ type: "engineList", servers: r.engine.list() });
  r.run();
  expect(fleet(r)).toMatchObject({ version: "1", rollout: { toVersion: "2", failures: 0 } });
  const states = ended.map(({ id }) => r.must<Server>({ type: "getServer", serverId: id }));
  expect(states.map(({ state, reason }) => `${state}: ${reason}`)).toEqual(
    ended.map(() => "terminated: closed by an earlier leader"),
  );
});

describe("where it is kept cannot be reached", () => {
  it("tells whoever asked, and it is in force all the same", () => {
    const r = arena();
    r.storeAnswers = false;
    expect(r.call(put({ desired: 3 }))).toMatchObject({ ok: false, problem: { code: "unavailable" } });
    expect(fleet(r).desired).toBe(3);
    r.storeAnswers = true;
    expect(r.must<Fleet>(put({ desired: 3 })).desired).toBe(3);
    nextLeader(r);
    expect(fleet(r).desired).toBe(3);
  });

  it("a new leader waits for it with starts and changes but not with seats, goes on after half a minute, and takes it in late", () => {
    const r = arena({ scaling: { minServers: 4 } });
    r.must(put({ version: "2" }));
    r.storeAnswers = false;
    r.restart();
    r.run();
    const before = r.engine.launches.size;
    expect(code(r.call(put({ desired: 9 })))).toBe("unavailable");
    r.advance(10_000);
    expect(code(r.call(join("ann")))).toBe("ok");
    r.advance(10_000);
    expect(r.engine.launches.size).toBe(before);
    r.advance(15_000);
    expect(fleet(r)).toMatchObject({ version: "1", rollout: null });
    r.storeAnswers = true;
    r.readKept();
    r.run();
    expect(fleet(r)).toMatchObject({ version: "2", rollout: { state: "rolling" } });
    r.advance(60_000);
    expect(versions(r)).toEqual({ 2: 4 });
  });

  it("answers a change that waits when it ceases to lead", () => {
    const r = arena();
    const asked = r.ask(put({ desired: 3 }));
    r.give({ type: "leadership", leader: false, epoch: r.epoch });
    expect(code(r.reply(asked))).toBe("notLeader");
  });
});
