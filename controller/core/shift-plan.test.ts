import fc from "fast-check";
import {
  act,
  judge,
  planOf,
  type ShiftPlan,
  type ShiftSample,
  ShiftRefused,
  type ShiftWish,
  whyNoPlan,
} from "./shift-plan";
import { ShareOut } from "./share-out";

const WISH: ShiftWish = {
  experienceId: "arena",
  agones: { url: "https://allocator.example", namespace: "games", fleet: "arena" },
  steps: [1, 5, 10, 25, 50, 100],
  gate: { holdSecs: 60, minMatches: 10, maxErrorRate: 0.05, maxP99Ms: 500, maxLost: 0 },
  soakSecs: 3600,
};
const GOOD: ShiftSample = { placed: 100, failed: 1, p99Ms: 40, lost: 0 };
const planned = planOf(WISH, 0, 1);
const running = act(planned, "start", "ann", 0);

describe("shares", () => {
  test("of any sessions in a row Forge's are exact to less than one, wherever one begins", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), fc.nat(10_000), fc.nat(2000), (percent, from, length) => {
        const shares = new ShareOut(percent, from);
        const forge = Array.from({ length }, () => shares.next()).filter((source) => source === "forge").length;
        expect(Math.abs(forge - (length * percent) / 100)).toBeLessThan(1);
      }),
    );
  });

  test.each([0, 1, 5, 10, 25, 50, 99, 100])("of every 100 in a row %s are Forge's", (percent) => {
    const shares = new ShareOut(percent, 37);
    expect(Array.from({ length: 100 }, () => shares.next()).filter((each) => each === "forge").length).toBe(percent);
  });
});

test.each([
  [[1, 50], "last"],
  [[5, 5, 100], "more than"],
  [[0, 100], "more than"],
  [[50, 100], undefined],
])("steps %j", (steps, why) => {
  const reason = whyNoPlan({ ...WISH, steps });
  if (why === undefined) expect(reason).toBeUndefined();
  else expect(reason).toContain(why);
});

describe("a plan", () => {
  test("goes through its steps where its gate is open, and soaks before it can be finished", () => {
    let plan: ShiftPlan = running;
    const shares = [plan.share];
    for (let at = 1; plan.state === "running"; at++) {
      plan = judge(plan, GOOD, at * 60_000);
      shares.push(plan.share);
    }
    expect(shares).toEqual([1, 5, 10, 25, 50, 100]);
    expect(plan).toMatchObject({ state: "soaking", signedOff: { by: "ann" } });
    expect(() => act(plan, "finish", "ann", plan.sinceMs + 10_000)).toThrow("soaks for 3590 s more");
    const finished = act(plan, "finish", "ann", plan.sinceMs + 3_600_000);
    expect([finished.state, finished.share]).toEqual(["finished", undefined]);
  });

  test.each<[string, Partial<ShiftSample>, number, string, string]>([
    ["too early", {}, 59_000, "running", "asked"],
    ["too few matches", { placed: 3, failed: 0 }, 61_000, "running", "asked"],
    ["too few for very long", { placed: 3, failed: 0 }, 1_200_000, "paused", "too few"],
    ["errors", { placed: 90, failed: 10 }, 1000, "aborted", "10 of 100"],
    ["a few errors of a few", { placed: 1, failed: 1 }, 1000, "running", "asked"],
    ["slow", { p99Ms: 501 }, 1000, "aborted", "p99"],
    ["one lost", { placed: 1, failed: 0, lost: 1 }, 1000, "aborted", "1 lost"],
    ["a metric that went away", { metric: "unknown" }, 61_000, "paused", "no value"],
    ["a metric that is too high", { metric: 3 }, 1000, "aborted", "metric is 3"],
    ["all well", { metric: 1 }, 61_000, "running", "100 placed"],
  ])("%s", (_what, sample, nowMs, state, reason) => {
    const plan = { ...running, metric: { url: "http://x", query: "y", max: 2 } };
    const after = judge(plan, { ...GOOD, ...sample }, nowMs);
    expect(after.state).toBe(state);
    expect(after.reason).toContain(reason);
    // A pause moves nobody's share; the way back is one change.
    if (state === "paused") expect(after.share).toBe(1);
    if (state === "aborted") expect(after.share).toBe(0);
  });

  test("what may be asked for in which state", () => {
    const states: Record<string, ShiftPlan> = {
      planned,
      running,
      paused: act(running, "pause", "ann", 0),
      soaking: { ...running, state: "soaking", share: 100, step: 5 },
      aborted: act(running, "abort", "ann", 0),
      finished: { ...running, state: "finished" },
    };
    const allowed = Object.entries(states).map(([state, plan]) => {
      const can = (["start", "pause", "resume", "abort", "finish"] as const).filter((action) => {
        try {
          act(plan, action, "ann", 1e9);
          return true;
        } catch (error) {
          expect(error).toBeInstanceOf(ShiftRefused);
          return false;
        }
      });
      return [state, can.join(" ")];
    });
    expect(Object.fromEntries(allowed)).toEqual({
      planned: "start",
      running: "pause abort",
      paused: "resume abort",
      soaking: "pause abort finish",
      aborted: "start",
      finished: "",
    });
  });

  test("only what runs is judged", () => {
    const paused = act(running, "pause", "ann", 0);
    expect(judge(paused, { ...GOOD, lost: 9 }, 1e9)).toBe(paused);
  });
});
