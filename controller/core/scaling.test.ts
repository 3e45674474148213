import * as fc from "fast-check";
import { evaluate, type FleetObservation, type ScalingPlan } from "./scaling";
import { testScaling } from "./testing/settings-double";

const NOW = 1_000_000;
const calm: FleetObservation = {
  whole: false,
  seatsPerServer: 10,
  live: 4,
  starting: 0,
  suspect: 0,
  usable: 4,
  empty: 0,
  wanted: 0,
  seatsHeld: 20,
  seatsFree: 20,
  waiting: 0,
  moving: 0,
  cpu: 0.5,
  responseP95Ms: undefined,
};
const never = { lastUpMs: -Infinity, lastDownMs: -Infinity };

function plan(
  seen: Partial<FleetObservation>,
  policy: Parameters<typeof testScaling>[0] = {},
  bounds = { floor: 1, cap: 10 },
  cooldown = never,
): ScalingPlan {
  return evaluate({ ...calm, ...seen }, testScaling({ targetPlayers: 8, ...policy }), bounds, cooldown, NOW);
}

describe("up", () => {
  it.each([
    ["CPU above its threshold", { cpu: 0.9 }, {}, 2],
    ["players above their target", { seatsHeld: 38 }, {}, 1],
    ["someone waits", { waiting: 1 }, {}, 1],
    ["many wait", { waiting: 31 }, {}, 4],
    ["slow answers", { responseP95Ms: 300 }, { targetResponseMs: 200 }, 1],
    [
      "free seats below the share kept free",
      { seatsHeld: 38, seatsFree: 2 },
      { targetPlayers: 100, buffer: { kind: "share" as const, share: 0.1 } },
      1,
    ],
    [
      "empty servers below the number kept ready",
      { empty: 1 },
      { buffer: { kind: "servers" as const, servers: 3 } },
      2,
    ],
  ])("%s", (_name, seen, policy, by) => {
    const { action, cause, by: got, reasons } = plan(seen, policy);
    expect({ action, cause, by: got }).toEqual({ action: "up", cause: "step", by });
    expect(reasons).not.toEqual([]);
  });

  it.each([
    ["waiting players whom starting servers cover", { waiting: 15, starting: 2, live: 6 }],
    ["CPU for which servers start already", { cpu: 0.9, starting: 2, live: 6 }],
    ["slow answers while a server starts", { responseP95Ms: 300, starting: 1 }],
    ["nothing", {}],
  ])("not for %s", (_name, seen) => {
    expect(plan(seen, { targetResponseMs: 200 }).action).not.toBe("up");
  });

  it("stops at the maximum and says so", () => {
    expect(plan({ waiting: 50 }, {}, { floor: 1, cap: 6 }).by).toBe(2);
    const full = plan({ waiting: 50 }, {}, { floor: 1, cap: 4 });
    expect(full.action).toBe("hold");
    expect(full.reasons.join()).toContain("maximum");
  });

  it("counts whole servers where a match takes one", () => {
    expect(plan({ whole: true, waiting: 3, starting: 1, live: 5, empty: 0 }).by).toBe(2);
  });
});

describe("the cooldown up", () => {
  const cooling = { lastUpMs: NOW - 12_000, lastDownMs: -Infinity };
  it("holds a second step, and says when to look again", () => {
    expect(plan({ cpu: 0.9 }, {}, undefined, cooling)).toMatchObject({ action: "hold", againMs: NOW + 18_000 });
    expect(plan({ cpu: 0.9 }, {}, undefined, { lastUpMs: NOW - 30_000, lastDownMs: -Infinity }).cause).toBe("step");
  });
  it("lets a step grow for players who come while it is open, for nothing else", () => {
    const open = { lastUpMs: NOW - 3000, lastDownMs: -Infinity };
    expect(plan({ waiting: 25, starting: 1, live: 5 }, {}, undefined, open)).toMatchObject({ cause: "enlarge", by: 2 });
    expect(plan({ cpu: 0.9 }, {}, undefined, open).action).toBe("hold");
    expect(plan({ waiting: 25 }, {}, undefined, cooling).action).toBe("hold");
  });
  it("holds neither the minimum nor players who lost their server", () => {
    expect(plan({ usable: 1, live: 1 }, {}, { floor: 3, cap: 10 }, cooling)).toMatchObject({ cause: "minimum", by: 2 });
    expect(plan({ moving: 11 }, {}, undefined, cooling)).toMatchObject({ cause: "moving", by: 2 });
  });
});

it("does not replace what is only out of reach", () => {
  expect(
    plan({ usable: 0, suspect: 4, seatsHeld: 0, seatsFree: 0, cpu: undefined }, {}, { floor: 4, cap: 10 }).action,
  ).toBe("hold");
});

describe("down", () => {
  const idle = { empty: 3, seatsHeld: 4, seatsFree: 36, cpu: 0.1 };
  it("lets empty servers go, a tenth at a time", () => {
    expect(plan(idle)).toMatchObject({ action: "down", by: 1 });
    expect(plan({ ...idle, usable: 30, live: 30, empty: 25, seatsFree: 280 }).by).toBe(3);
  });
  it.each([
    ["with nobody gone", { empty: 0 }, {}],
    ["below the minimum", {}, { floor: 4 }],
    ["while somebody waits", { waiting: 0, moving: 1, starting: 1 }, {}],
    ["while servers start", { starting: 1 }, {}],
    ["with CPU not below its threshold", { cpu: 0.4 }, {}],
    ["where the rest would be above the target", { seatsHeld: 31 }, {}],
  ])("not %s", (_name, seen, bounds) => {
    expect(plan({ ...idle, ...seen }, {}, { floor: 1, cap: 10, ...bounds }).action).not.toBe("down");
  });
  it("keeps the buffer", () => {
    expect(plan(idle, { buffer: { kind: "servers", servers: 3 } }).action).toBe("hold");
    expect(
      plan({ ...idle, seatsHeld: 20, seatsFree: 20, empty: 2 }, { buffer: { kind: "share", share: 0.6 } }).action,
    ).toBe("hold");
  });
  it("has a cooldown of its own, which a step up begins as well", () => {
    expect(plan(idle, {}, undefined, { lastUpMs: -Infinity, lastDownMs: NOW - 59_000 })).toMatchObject({
      action: "hold",
      againMs: NOW + 1000,
    });
    expect(plan(idle, {}, undefined, { lastUpMs: NOW - 59_000, lastDownMs: -Infinity }).action).toBe("hold");
    expect(plan(idle, {}, undefined, { lastUpMs: NOW - 60_000, lastDownMs: NOW - 60_000 }).action).toBe("down");
  });
  it("leaves servers that were asked for alone, and counts them as no part of what there has to be", () => {
    expect(plan({ ...idle, wanted: 3 })).toMatchObject({ action: "hold" });
    expect(plan({ ...idle, wanted: 2 })).toMatchObject({ action: "down", by: 1 });
    expect(plan({ ...idle, wanted: 2 }, {}, { floor: 2, cap: 10 }).action).toBe("hold");
    expect(plan({ ...idle, wanted: 2 }).reasons.join()).toContain("2 empty servers that were asked for");
  });
  it("takes them too where there are more than the maximum", () => {
    expect(plan({ ...idle, wanted: 3 }, {}, { floor: 1, cap: 3 })).toMatchObject({ action: "down", cause: "over" });
  });
  it("brings a fleet under a lowered maximum with empty servers only", () => {
    expect(plan({ ...idle, cpu: 0.9 }, { scaleUpThreshold: 0.95 }, { floor: 1, cap: 3 })).toMatchObject({
      action: "down",
      by: 1,
    });
    expect(plan({ ...idle, empty: 0 }, {}, { floor: 1, cap: 3 }).action).toBe("hold");
  });
});

const observation: fc.Arbitrary<FleetObservation> = fc
  .record({
    whole: fc.boolean(),
    seatsPerServer: fc.integer({ min: 1, max: 20 }),
    starting: fc.nat(4),
    suspect: fc.nat(3),
    busy: fc.nat(6),
    empty: fc.nat(6),
    leaving: fc.nat(3),
    load: fc.double({ min: 0, max: 1, noNaN: true }),
    waiting: fc.nat(40),
    moving: fc.nat(20),
    cpu: fc.option(fc.double({ min: 0, max: 2, noNaN: true }), { nil: undefined }),
    responseP95Ms: fc.option(fc.nat(1000), { nil: undefined }),
    wanted: fc.nat(3),
  })
  .map(({ busy, leaving, load, wanted, ...seen }) => {
    const usable = busy + seen.empty;
    const seatsHeld = Math.min(
      busy * seen.seatsPerServer,
      Math.max(busy, Math.floor(busy * seen.seatsPerServer * load)),
    );
    return {
      ...seen,
      wanted: Math.min(wanted, seen.empty),
      usable,
      live: usable + seen.starting + seen.suspect + leaving,
      seatsHeld,
      seatsFree: usable * seen.seatsPerServer - seatsHeld,
    };
  });

it("stays within its bounds, whatever it sees", () => {
  const policy = fc.record({
    targetPlayers: fc.integer({ min: 1, max: 20 }),
    buffer: fc.constantFrom({ kind: "servers" as const, servers: 2 }, { kind: "share" as const, share: 0.2 }),
    targetResponseMs: fc.option(fc.nat(500), { nil: undefined }),
  });
  fc.assert(
    fc.property(
      observation,
      policy,
      fc.nat(5),
      fc.nat(10),
      fc.nat(100_000),
      fc.nat(100_000),
      (seen, over, floor, more, up, down) => {
        const cap = floor + more;
        const cooldown = { lastUpMs: NOW - up, lastDownMs: NOW - down };
        const { action, by, cause, reasons, againMs } = evaluate(
          seen,
          testScaling(over),
          { floor, cap },
          cooldown,
          NOW,
        );
        expect(reasons.length).toBeGreaterThan(0);
        if (againMs !== undefined) expect(againMs).toBeGreaterThan(NOW);
        if (action === "hold") return expect(by).toBe(0);
        expect(by).toBeGreaterThan(0);
        if (action === "up") {
          expect(seen.live + by).toBeLessThanOrEqual(cap);
          if (cause === "step") expect(up).toBeGreaterThanOrEqual(30_000);
          return;
        }
        expect(by).toBeLessThanOrEqual(seen.empty);
        const have = seen.usable + seen.starting + seen.suspect;
        if (have <= cap) expect(by).toBeLessThanOrEqual(seen.empty - seen.wanted);
        expect(cause).toBe(have > cap ? "over" : "down");
        expect(seen.usable + seen.starting + seen.suspect - by).toBeGreaterThanOrEqual(Math.min(floor, cap));
        expect(Math.min(up, down)).toBeGreaterThanOrEqual(60_000);
      },
    ),
  );
});

it("does not swing: what it takes away it does not want back", () => {
  fc.assert(
    fc.property(observation, (seen) => {
      const policy = testScaling({ targetPlayers: 8, buffer: { kind: "share", share: 0.2 } });
      const first = evaluate(seen, policy, { floor: 1, cap: 50 }, never, NOW);
      if (first.action !== "down") return;
      const usable = seen.usable - first.by;
      const after = {
        ...seen,
        usable,
        live: seen.live - first.by,
        empty: seen.empty - first.by,
        seatsFree: seen.seatsFree - first.by * seen.seatsPerServer,
        cpu: seen.cpu === undefined ? undefined : (seen.cpu * seen.usable) / Math.max(1, usable),
      };
      expect(evaluate(after, policy, { floor: 1, cap: 50 }, never, NOW).action).not.toBe("up");
    }),
  );
});
