import fc from "fast-check";
import { planRollout, type RolloutSeen } from "./rollout-plan";

const quarter = { kind: "share", share: 0.25 } as const;
const seen = (over: Partial<RolloutSeen>): RolloutSeen => ({
  size: 8,
  fresh: 0,
  oldEmpty: 8,
  closing: 0,
  aheadStarting: 0,
  aheadUp: 0,
  room: 92,
  ...over,
});

it.each([
  ["begins with as many as the surge allows", {}, 1, { start: 2, close: 0 }],
  ["waits while those start", { size: 10, fresh: 2, aheadStarting: 2 }, 1, { start: 0, close: 0 }],
  ["closes one for each that is up", { size: 10, fresh: 2, aheadUp: 2 }, 1, { start: 0, close: 2 }],
  ["goes on", { fresh: 2, oldEmpty: 6 }, 1, { start: 2, close: 0 }],
  ["starts one where everybody plays on old ones", { oldEmpty: 0 }, 1, { start: 1, close: 0 }],
  ["starts no second one then", { size: 9, oldEmpty: 0, fresh: 1, aheadUp: 1 }, 1, { start: 0, close: 0 }],
  ["makes room at the maximum, one at a time", { room: 0 }, 1, { start: 0, close: 1 }],
  ["waits for that room", { room: 0, closing: 1 }, 1, { start: 0, close: 0 }],
  ["starts a canary's share only", { size: 20, oldEmpty: 20 }, 0.1, { start: 2, close: 0 }],
  ["adds nothing to a canary that has it", { size: 20, oldEmpty: 18, fresh: 2 }, 0.1, { start: 0, close: 0 }],
  ["has a canary of one at least", { size: 3, oldEmpty: 3 }, 0.1, { start: 1, close: 0 }],
])("%s", (_, over, share, step) => {
  expect(planRollout(seen(over), { share, maxSurge: quarter })).toEqual(step);
});

it("ends with every server on the new version, never below the size it had, never above its surge", () => {
  const fleets = fc.record({
    size: fc.integer({ min: 1, max: 60 }),
    spare: fc.integer({ min: 1, max: 10 }),
    surge: fc.oneof(
      fc.integer({ min: 0, max: 5 }).map((servers) => ({ kind: "servers" as const, servers })),
      fc.double({ min: 0, max: 1, noNaN: true }).map((share) => ({ kind: "share" as const, share })),
    ),
  });
  fc.assert(
    fc.property(fleets, ({ size, spare, surge }) => {
      let old = size;
      let fresh = 0;
      let ahead = 0;
      for (let round = 0; old > 0; round++) {
        if (round > 3 * size + 3) throw new Error(`${String(old)} old servers are left`);
        const state = { size: old + fresh, fresh, oldEmpty: old, closing: 0, aheadStarting: 0, aheadUp: ahead };
        const { start, close } = planRollout(
          { ...state, room: size + spare - old - fresh },
          { share: 1, maxSurge: surge },
        );
        fresh += start;
        ahead += start - close;
        old -= close;
        const most = Math.max(1, surge.kind === "servers" ? surge.servers : Math.ceil(surge.share * size));
        if (old + fresh < size || old + fresh > size + most) throw new Error(`${String(old + fresh)} servers`);
      }
      return fresh >= size;
    }),
  );
});
