import * as fc from "fast-check";
import type { DecisionRecord, Server, Session } from "./resources";
import { servers } from "./testing/ask";
import { RegionDouble } from "./testing/region-double";
import { testExperience, testSettings } from "./testing/settings-double";

type Over = Parameters<typeof testExperience>[1];

/** A region whose experiences want more than it may run; one player fills a server. */
function short(maxServersPerRegion: number, experiences: Readonly<Record<string, Over>>): RegionDouble {
  const list = Object.entries(experiences).map(([id, { scaling, ...over } = {}]) =>
    testExperience(id, {
      maxPlayers: 1,
      routing: { queueDeadlineSecs: 3600 },
      ...over,
      scaling: { minServers: 0, maxServers: 100, scaleUpCooldownSecs: 0, scaleDownCooldownSecs: 600, ...scaling },
    }),
  );
  // Nobody here says that he has come: seats are kept for good.
  const settings = testSettings(list, { leaseSecs: 1_000_000 });
  return new RegionDouble({ ...settings, scaling: { ...settings.scaling, maxServersPerRegion } }).start();
}

/** Asks for a seat; whoever finds none waits. */
const come = (r: RegionDouble, experienceId: string, playerId: string): void => {
  r.ask({ type: "createSession", experienceId, playerId });
  r.run();
};
const leave = (r: RegionDouble, playerId: string): void => {
  const [session] = r.must<Session[]>({ type: "findSessions", playerId });
  r.must({ type: "endSession", sessionId: session?.id ?? "", reason: "left" });
};
function running(r: RegionDouble): Record<string, number> {
  const count: Record<string, number> = {};
  for (const { experienceId, state } of r.must<Server[]>(servers))
    if (state === "ready") count[experienceId] = (count[experienceId] ?? 0) + 1;
  return count;
}
const why = (r: RegionDouble, id: string): string =>
  r.must<DecisionRecord>({ type: "getDecision", id }).reasons.join("\n");

describe("where the region may have no more servers", () => {
  it("the higher priority takes over what stands empty, at once, and leaves the others one each", () => {
    const r = short(4, {
      low: { priority: 10, scaling: { buffer: { kind: "servers", servers: 4 } } },
      high: { priority: 90 },
    });
    r.advance(1000);
    expect(running(r)).toEqual({ low: 4 });
    for (const player of ["a", "b", "c", "d"]) come(r, "high", player);
    r.advance(12_000);
    expect(running(r)).toEqual({ low: 1, high: 3 });
    expect(why(r, "low")).toContain("before it come high (priority 90)");
    expect(why(r, "high")).toContain("of the region's 4 servers high (priority 90) may have 3");
  });

  it("nobody is moved for it: what the lower one's players leave goes to the higher", () => {
    const r = short(2, { low: { priority: 10 }, high: { priority: 90 } });
    for (const player of ["l1", "l2"]) come(r, "low", player);
    r.advance(12_000);
    expect(running(r)).toEqual({ low: 2 });
    come(r, "high", "h1");
    come(r, "low", "l3");
    r.advance(12_000);
    expect(running(r)).toEqual({ low: 2 });
    leave(r, "l1");
    // Though others wait for the lower one, too, and came before.
    r.advance(1000);
    expect(running(r)).toEqual({ low: 1, high: 1 });
    leave(r, "l2");
    r.advance(12_000);
    expect(running(r)).toEqual({ low: 1, high: 1 });
  });

  it("an experience has its first server though another's players come all the time, of whatever priority", () => {
    const r = short(3, { high: { priority: 90, maxPlayers: 4 }, low: { priority: 10 } });
    const there: string[] = [];
    const comes = (): void => {
      const player = `h${String(r.nowMs)}`;
      come(r, "high", player);
      there.push(player);
      r.advance(1000);
    };
    for (let i = 0; i < 15; i++) comes();
    expect(running(r)).toEqual({ high: 3 });
    come(r, "low", "l1");
    let minutes = 0;
    for (; minutes < 10 && running(r).low === undefined; minutes++)
      for (let i = 0; i < 30; i++) {
        // Whoever has played longest leaves, and another comes.
        leave(r, there.shift() ?? "");
        r.run();
        comes();
      }
    expect(running(r)).toEqual({ high: 2, low: 1 });
    expect(r.events.filter(({ type }) => type === "session.moved")).toEqual([]);
    expect(r.records.map(({ outcome }) => outcome)).toContainEqual(expect.stringMatching(/^waits for the players of/));
  });

  it.each([
    ["equal ones share it", 50, 50, { a: 2, b: 2 }],
    ["the higher priority has what it wants of it", 10, 90, { a: 1, b: 3 }],
    ["the higher priority keeps what it wants of it", 90, 10, { a: 3, b: 1 }],
  ])("%s, though none of the other's servers is ever empty", (_what, ofA, ofB, wanted) => {
    const r = short(4, { a: { priority: ofA, maxPlayers: 4 }, b: { priority: ofB, maxPlayers: 4 } });
    const there: string[] = [];
    const comes = (experienceId: string): void => {
      const player = `${experienceId}${String(r.nowMs)}`;
      come(r, experienceId, player);
      if (experienceId === "a") there.push(player);
      r.advance(1000);
    };
    for (let i = 0; i < 16; i++) comes("a");
    expect(running(r)).toEqual({ a: 4 });
    for (let i = 0; i < 10; i++) comes("b");
    // A player of the one leaves each two seconds, and another comes.
    for (let i = 0; i < 300; i++) {
      leave(r, there.shift() ?? "");
      r.run();
      comes("a");
      r.advance(1000);
    }
    expect(running(r)).toEqual(wanted);
    expect(r.events.filter(({ type }) => type === "session.moved")).toEqual([]);
  });

  it("equal ones share it, though one has players waiting all the time", () => {
    const r = short(4, { a: {}, b: {} });
    for (let i = 0; i < 8; i++) come(r, "a", `a${String(i)}`);
    expect(running(r)).toEqual({ a: 4 });
    for (let i = 0; i < 4; i++) come(r, "b", `b${String(i)}`);
    r.advance(12_000);
    for (let i = 0; i < 4; i++) {
      leave(r, `a${String(i)}`);
      r.advance(2000);
    }
    expect(running(r)).toEqual({ a: 2, b: 2 });
  });

  it("equal ones share it", () => {
    const r = short(6, { a: {}, b: {} });
    for (let i = 0; i < 6; i++) come(r, "a", `a${String(i)}`);
    for (let i = 0; i < 6; i++) come(r, "b", `b${String(i)}`);
    r.advance(30_000);
    for (let i = 0; i < 6; i++) leave(r, `a${String(i)}`);
    r.advance(30_000);
    expect(running(r)).toEqual({ b: 6 });
    for (let i = 0; i < 6; i++) come(r, "a", `a${String(i)}`);
    for (let i = 0; i < 3; i++) leave(r, `b${String(i)}`);
    r.advance(30_000);
    expect(running(r)).toEqual({ a: 3, b: 3 });
  });
});

describe("where the nodes are full", () => {
  it("growth of a lower priority waits until the higher one's servers have found a node; a first server does not", () => {
    const r = short(100, { low: { priority: 10 }, high: { priority: 90 }, first: { priority: 10 } });
    for (const player of ["l1", "l2"]) come(r, "low", player);
    r.advance(2000);
    r.engine.room = 2;
    come(r, "low", "l3");
    r.advance(1000);
    for (const player of ["h1", "h2"]) come(r, "high", player);
    come(r, "first", "f1");
    come(r, "low", "l4");
    r.advance(12_000);
    expect(running(r)).toEqual({ low: 2 });
    expect(why(r, "low")).toContain(
      "high (priority 90) waits for room on the nodes, and comes before low (priority 10)",
    );
    r.engine.room = 5;
    r.advance(3000);
    expect(running(r)).toEqual({ low: 2, high: 2, first: 1 });
    r.engine.room = 7;
    r.advance(5000);
    expect(running(r)).toEqual({ low: 4, high: 2, first: 1 });
  });

  it("a minimum waits for nobody", () => {
    const r = short(100, { low: { priority: 10, scaling: { minServers: 2 } }, high: { priority: 90 } });
    r.engine.room = 2;
    come(r, "high", "h1");
    r.advance(2000);
    const [server] = r.must<Server[]>({ type: "listServers", experienceId: "low", state: "ready" });
    r.kill(server?.id ?? "");
    r.advance(20_000);
    r.engine.room = 3;
    r.advance(10_000);
    expect(running(r)).toEqual({ low: 2, high: 1 });
  });

  /**
   * `low` has two servers, one more than its minimum, with nobody on them, and wants another, for which there is no room;
   * half a second later `high` wants one as well. Of the two the lower one is the next to try again, and there is room for one.
   */
  function bothBlocked(wants: (r: RegionDouble, low: Server) => void): RegionDouble {
    const r = short(100, { low: { priority: 10, scaling: { minServers: 1 } }, high: { priority: 90 } });
    for (const player of ["l1", "l2"]) come(r, "low", player);
    r.advance(1000);
    for (const player of ["l1", "l2"]) leave(r, player);
    const [low] = r.must<Server[]>({ type: "listServers", experienceId: "low", state: "ready" });
    r.engine.room = 2;
    if (low) wants(r, low);
    r.run().advance(500);
    const { low: up = 0 } = running(r);
    come(r, "high", "h1");
    r.advance(1000);
    expect(running(r)).toEqual({ low: up });
    r.engine.room = up + 1;
    r.advance(3000);
    return r;
  }

  it.each<[string, number, (r: RegionDouble, low: Server) => void]>([
    ["a minimum", 3, (r) => r.must({ type: "putFleet", experienceId: "low", policy: { minServers: 3 } })],
    [
      "what takes a failed one's place",
      2,
      (r, low) => {
        r.engine.room = 1;
        r.kill(low.id);
      },
    ],
  ])("%s does not wait for a higher priority either where it was not placed at once", (_what, has, wants) => {
    const r = bothBlocked(wants);
    expect(running(r)).toEqual({ low: has });
    r.engine.room++;
    r.advance(3000);
    expect(running(r)).toEqual({ low: has, high: 1 });
  });

  it("growth that was not placed at once does", () => {
    const r = bothBlocked((of) => {
      for (const player of ["l3", "l4", "l5"]) come(of, "low", player);
    });
    expect(running(r)).toEqual({ low: 2, high: 1 });
    r.engine.room++;
    r.advance(3000);
    expect(running(r)).toEqual({ low: 3, high: 1 });
  });

  it("of many that start at once only an experience's first does not wait", () => {
    const r = short(100, { low: { priority: 10 }, high: { priority: 90 } });
    r.engine.room = 0;
    for (const player of ["l1", "l2", "l3"]) come(r, "low", player);
    r.advance(500);
    come(r, "high", "h1");
    r.advance(1000);
    r.engine.room = 2;
    r.advance(3000);
    expect(running(r)).toEqual({ low: 1, high: 1 });
    r.engine.room = 4;
    r.advance(3000);
    expect(running(r)).toEqual({ low: 3, high: 1 });
  });
});

/** Who comes and goes: a player of one of three experiences, or time. */
const story = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ comes: fc.constantFrom("one", "two", "three") }) },
    { weight: 2, arbitrary: fc.record({ goes: fc.nat(30) }) },
    { weight: 2, arbitrary: fc.record({ ms: fc.integer({ min: 500, max: 15_000 }) }) },
  ),
  { maxLength: 30 },
);

it("starves no experience whatever is asked for, and decides the same each time", () => {
  fc.assert(
    fc.property(story, fc.integer({ min: 3, max: 6 }), (steps, max) => {
      const play = () => {
        const r = short(max, { one: { priority: 20 }, two: { priority: 50 }, three: { priority: 80 } });
        let players = 0;
        for (const step of steps) {
          if ("comes" in step) come(r, step.comes, `p${String(players++)}`);
          else if ("ms" in step) r.advance(step.ms);
          else {
            const [session] = r.must<Session[]>({ type: "findSessions", playerId: `p${String(step.goes)}` });
            if (session && session.state !== "ended") leave(r, session.playerId);
          }
        }
        return { r, players };
      };
      const { r, players } = play();
      // Whoever plays stops some time: then everybody who waits has had a turn.
      const waiting = new Set(
        r.must<Session[]>({ type: "findSessions" }).flatMap((one) => (one.state === "queued" ? [one.playerId] : [])),
      );
      for (let round = 0; waiting.size > 0; round++) {
        expect(round).toBeLessThan(players + 5);
        for (const session of r.must<Session[]>({ type: "findSessions" })) {
          if (session.state === "queued" || session.state === "ended") continue;
          waiting.delete(session.playerId);
          leave(r, session.playerId);
        }
        r.advance(12_000);
      }
      const spawned = (of: RegionDouble) =>
        of.events.flatMap((event) => (event.type === "server.spawned" ? [event] : []));
      const again = play().r;
      expect(spawned(r).slice(0, spawned(again).length)).toEqual(spawned(again));
    }),
    { numRuns: 40 },
  );
});
