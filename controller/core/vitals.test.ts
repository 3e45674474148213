import fc from "fast-check";
import type { Placement, Server } from "./resources";
import { arena, code, join } from "./testing/ask";
import { testExperience, testSettings } from "./testing/settings-double";
import { strainOf, type Strain, type VitalLimits, type Vitals } from "./vitals";

const NONE: VitalLimits = {
  maxErrorRate: undefined,
  maxMemory: undefined,
  maxCpu: undefined,
  maxThrottled: undefined,
  maxDisk: undefined,
  minJoined: undefined,
  healthyThreshold: 2,
};
const LIMITS: VitalLimits = { ...NONE, maxErrorRate: 5, maxMemory: 0.9 };
const MIB = 1_048_576;

it("strains a server over a limit, and lets it be well only well below", () => {
  const seen = (before: Strain | null, errorRate: number, memory: number): Strain | null =>
    strainOf(before, { errorRate, memoryBytes: memory * 256 * MIB }, LIMITS, 256, 1000);
  expect(seen(null, 5, 0.9)).toBeNull();
  expect(seen(null, 5.1, 0)?.reason).toBe("5.1 errors a second, at most 5");
  expect(seen(null, 0, 0.95)?.reason).toBe("95 % of its memory, at most 90 %");
  const strain = { sinceMs: 7, reason: "before", wellInARow: 0 };
  expect(seen(strain, 4.8, 0)).toMatchObject({ sinceMs: 7 });
  expect(seen(strain, 4.4, 0.8)).toEqual({ ...strain, wellInARow: 1 });
  expect(seen({ ...strain, wellInARow: 1 }, 4.8, 0)).toMatchObject({ sinceMs: 7, wellInARow: 0 });
  expect(seen({ ...strain, wellInARow: 1 }, 4.4, 0.8)).toBeNull();
});

it("strains nobody where no limit is set", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, noNaN: true }), fc.nat(), (errorRate, memoryBytes) => {
      const vitals = { errorRate, memoryBytes, cpu: 9, throttled: 1, disk: { used: 1, folder: "/" }, joined: 0 };
      return strainOf(null, vitals, NONE, 1, 0) === null;
    }),
  );
});

it.each<[Partial<Vitals>, Partial<VitalLimits>, string | undefined]>([
  [{ cpu: 1.6 }, { maxCpu: 1.5 }, "160 % of the CPU that it asked for, at most 150 %"],
  [{ cpu: 1.5 }, { maxCpu: 1.5 }, undefined],
  [{ throttled: 0.5 }, { maxThrottled: 0.25 }, "50 % of CPU periods held to its quota, at most 25 %"],
  [{ disk: { used: 0.97, folder: "/data" } }, { maxDisk: 0.95 }, "97 % of the disk of /data, at most 95 %"],
  [{ joined: 0.4 }, { minJoined: 0.5 }, "40 % of its newest reservations were joined, at least 50 %"],
  [{ joined: 0.5 }, { minJoined: 0.5 }, undefined],
  [{ unreachable: "not reached from node n2: refused" }, {}, "not reached from node n2: refused"],
  // What nobody has measured speaks for nothing.
  [{}, { maxCpu: 1, maxThrottled: 0.1, maxDisk: 0.1, minJoined: 0.9 }, undefined],
])("of %j with limits %j it says %s", (vitals, limits, reason) => {
  expect(strainOf(null, { memoryBytes: 0, ...vitals }, { ...NONE, ...limits }, 256, 0)?.reason).toBe(reason);
});

it("is never strained and well by turns with each look, however a value hovers at its limit", () => {
  const nearLimit = fc.array(fc.double({ min: 0.9, max: 1.1, noNaN: true }), { maxLength: 40 });
  fc.assert(
    fc.property(nearLimit, (values) => {
      let strain: Strain | null = null;
      const turns: boolean[] = [];
      for (const cpu of values) {
        strain = strainOf(strain, { memoryBytes: 0, cpu }, { ...NONE, maxCpu: 1 }, 1, 0);
        turns.push(strain !== null);
      }
      // From 90 % of the limit up nobody who is strained gets well.
      expect(turns.lastIndexOf(false)).toBeLessThan(turns.includes(true) ? turns.indexOf(true) : Infinity);
    }),
  );
});

describe("a fleet of twenty", () => {
  const over = { maxPlayers: 1, scaling: { minServers: 20, maxServers: 30 } };
  /** The first so many have had too many errors for 35 s, with a player on each. */
  const strained = (count: number): { r: ReturnType<typeof arena>; report: (errorRate: number) => void } => {
    const r = arena(over, ["n1", "n2", "n3", "n4", "n5"]);
    const { health, ...settings } = testSettings([testExperience("arena", over)]);
    const limits = { maxErrorRate: 5, limitSecs: 30, isolateServers: 0 };
    r.setSettings({ ...settings, health: { ...health, ...limits } });
    const placed = Array.from({ length: count }, (_, i) => {
      const { server, session } = r.must<Placement>(join(`p${String(i)}`));
      const agent = r.agentOf(server.id);
      agent.join(server.id, session.id, 1, r.nowMs);
      return { agent, id: server.id };
    });
    const report = (errorRate: number): void => {
      const stats = { cpu: 0, memoryBytes: 0, players: 1, responseMs: undefined, errorRate, atMs: r.nowMs };
      for (const { agent, id } of placed) agent.say(id, { kind: "stats", stats }, r.nowMs);
      r.run();
    };
    report(9);
    for (let secs = 0; secs < 35; secs += 5) {
      r.advance(5000);
      report(9);
    }
    return { r, report };
  };
  const out = (r: ReturnType<typeof arena>): number =>
    r.eventTypes().filter((type) => type === "server.unhealthy").length;

  it("gives up those that are over a limit, where they are few", () => {
    expect(out(strained(8).r)).toBe(8);
  });

  it("is not emptied where most are: two a minute go, and the others' players stay", () => {
    const { r, report } = strained(20);
    expect(out(r)).toBe(2);
    r.advance(61_000);
    expect(out(r)).toBe(4);
    expect(r.eventTypes().filter((type) => type === "session.moved")).toHaveLength(4);
    for (let looks = 0; looks < 3; looks++) report(0);
    r.advance(120_000);
    expect(out(r)).toBe(4);
  });
});

describe("a server with too many errors", () => {
  const strained = () => {
    const r = arena({ scaling: { minServers: 2 } });
    const { health, ...settings } = testSettings([testExperience("arena", { scaling: { minServers: 2 } })]);
    r.setSettings({ ...settings, health: { ...health, maxErrorRate: 5, limitSecs: 30 } });
    const placed = r.must<Placement>(join("ann"));
    r.agentOf(placed.server.id).join(placed.server.id, placed.session.id, 1, r.nowMs);
    r.run();
    const report = (errorRate: number): void => {
      const { id: serverId } = placed.server;
      const agent = r.agentOf(serverId);
      const allocationId = agent.servers.get(serverId)?.expect.allocationId ?? "";
      const stats = { cpu: 0, memoryBytes: 0, players: 1, responseMs: undefined, errorRate, atMs: r.nowMs };
      agent.events.push({ kind: "stats", serverId, allocationId, atMs: r.nowMs, stats });
      r.run();
    };
    return { r, placed, report };
  };
  const state = ({ r, placed }: ReturnType<typeof strained>): string =>
    r.must<Server>({ type: "getServer", serverId: placed.server.id }).state;

  it("is given nobody while it has, and its players stay", () => {
    const it = strained();
    it.report(9);
    const bob = it.r.must<Placement>(join("bob"));
    expect(bob.server.id).not.toBe(it.placed.server.id);
    expect(state(it)).toBe("ready");
    expect(it.r.eventTypes().filter((type) => type === "server.strained")).toHaveLength(1);
    it.report(1);
    it.report(1);
    expect(it.r.must<Placement>(join("cyd")).server.id).toBeDefined();
    it.r.advance(40_000);
    expect(state(it)).toBe("ready");
  });

  it("fails once it has had them for so long, and its players go elsewhere", () => {
    const it = strained();
    it.report(9);
    it.r.advance(20_000);
    it.report(8);
    expect(state(it)).toBe("ready");
    it.r.advance(11_000);
    expect(state(it)).toBe("terminated");
    const session = it.r.must<Placement["session"]>({ type: "getSession", sessionId: it.placed.session.id });
    expect(session).toMatchObject({ state: "reserved", generation: 2 });
    expect(code(it.r.call(join("dan")))).toBe("ok");
  });
});
