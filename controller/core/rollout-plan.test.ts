import fc from "fast-check";
import { ALL, NONE, planRollout, type Amount, type RolloutSeen } from "./rollout-plan";

const quarter = { kind: "share", share: 0.25 } as const;
const seen = (over: Partial<RolloutSeen>): RolloutSeen => ({
  size: 8,
  fresh: 0,
  oldEmpty: 8,
  closing: 0,
  aheadStarting: 0,
  aheadUp: 0,
  behind: 0,
  room: 92,
  ...over,
});

it.each([
  ["begins with as many as the surge allows", {}, 1, { start: 2 }],
  ["waits while those start", { size: 10, fresh: 2, aheadStarting: 2 }, 1, {}],
  ["closes one for each that is up", { size: 10, fresh: 2, aheadUp: 2 }, 1, { close: 2 }],
  ["goes on", { fresh: 2, oldEmpty: 6 }, 1, { start: 2 }],
  ["starts one where everybody plays on old ones", { oldEmpty: 0 }, 1, { start: 1 }],
  ["starts no second one then", { size: 9, oldEmpty: 0, fresh: 1, aheadUp: 1 }, 1, {}],
  ["makes room at the maximum, one at a time", { room: 0 }, 1, { close: 1 }],
  ["waits for that room", { room: 0, closing: 1 }, 1, {}],
  ["starts a canary's share only", { size: 20, oldEmpty: 20 }, 0.1, { start: 2 }],
  ["adds nothing to a canary that has it", { size: 20, oldEmpty: 18, fresh: 2 }, 0.1, {}],
  ["takes the place of none where all are on their way out", { size: 0, oldEmpty: 0, closing: 1 }, 0.1, {}],
  ["has a canary of one at least", { size: 3, oldEmpty: 3 }, 0.1, { start: 1 }],
])("%s", (_, over, share, step) => {
  const limits = { share, maxSurge: quarter, maxUnavailable: NONE };
  expect(planRollout(seen(over), limits)).toEqual({ start: 0, close: 0, swap: 0, ...step });
});

const servers = (count: number): Amount => ({ kind: "servers", servers: count });
const share = (of: number): Amount => ({ kind: "share", share: of });

it.each([
  ["rounds a surge up", 10, share(0.25), NONE, { start: 3, swap: 0 }],
  ["rounds what may be missing down", 10, share(0.25), share(0.25), { start: 3, swap: 2 }],
  ["to one at least", 3, share(0.25), share(0.25), { start: 1, swap: 1 }],
  ["takes numbers as they are", 100, servers(7), servers(30), { start: 7, swap: 30 }],
  ["has a surge of one at least", 10, servers(0), NONE, { start: 1, swap: 0 }],
  ["lets no more go than there are", 4, servers(1), servers(30), { start: 1, swap: 3 }],
  ["replaces all at once where all may be missing", 10, NONE, ALL, { start: 1, swap: 9 }],
])("%s", (_, size, maxSurge, maxUnavailable, step) => {
  const plan = planRollout(seen({ size, oldEmpty: size }), { share: 1, maxSurge, maxUnavailable });
  expect(plan).toEqual({ close: 0, ...step });
});

it.each([
  [
    "counts those that are on their way in the place of others",
    { size: 10, fresh: 4, aheadStarting: 2, behind: 2, oldEmpty: 6 },
    {},
  ],
  ["goes on with each that is up", { size: 10, fresh: 4, aheadStarting: 2, behind: 1, oldEmpty: 6 }, { swap: 1 }],
  ["takes none whose place one is ahead for", { size: 10, fresh: 8, aheadStarting: 2, oldEmpty: 2 }, {}],
  ["makes as much room at the maximum as may be missing", { room: 0 }, { close: 2 }],
])("%s", (_, over, step) => {
  const limits = { share: 1, maxSurge: quarter, maxUnavailable: quarter };
  expect(planRollout(seen(over), limits)).toEqual({ start: 0, close: 0, swap: 0, ...step });
});

it("ends with every server on the new version, never below what must be up, never above its surge", () => {
  const amounts = fc.oneof(
    fc.integer({ min: 0, max: 5 }).map(servers),
    fc.double({ min: 0, max: 1, noNaN: true }).map(share),
  );
  const fleets = fc.record({
    size: fc.integer({ min: 1, max: 60 }),
    spare: fc.integer({ min: 1, max: 10 }),
    surge: amounts,
    unavailable: amounts,
    ups: fc.infiniteStream(fc.integer({ min: 1, max: 4 })),
  });
  fc.assert(
    fc.property(fleets, ({ size, spare, surge, unavailable, ups }) => {
      const most = Math.max(1, surge.kind === "servers" ? surge.servers : Math.ceil(surge.share * size - 1e-9));
      const away =
        unavailable.kind === "servers" ? unavailable.servers : Math.max(1, Math.floor(unavailable.share * size));
      const least = unavailable.kind === "share" && unavailable.share === 0 ? size : Math.max(0, size - away);
      const fleet = { old: size, up: 0, aheadStarting: 0, aheadUp: 0, behind: 0 };
      for (let round = 0; fleet.old > 0; round++) {
        if (round > 4 * size + 4) throw new Error(`${String(fleet.old)} old servers are left`);
        const { old, up, aheadStarting, aheadUp, behind } = fleet;
        const now = old + up + aheadStarting + behind;
        const { start, close, swap } = planRollout(
          {
            ...{ size: now, fresh: now - old, oldEmpty: old, closing: 0, aheadStarting, aheadUp, behind },
            room: size + spare - now,
          },
          { share: 1, maxSurge: surge, maxUnavailable: unavailable },
        );
        fleet.old -= close + swap;
        fleet.aheadUp -= close;
        fleet.aheadStarting += start;
        fleet.behind += swap;
        const all = fleet.old + up + fleet.aheadStarting + fleet.behind;
        if (all > size + most || all < size) throw new Error(`${String(all)} servers`);
        if (fleet.old + up < least) throw new Error(`${String(fleet.old + up)} are up`);
        // Some of those that start come up.
        const [first, second] = [ups.next().value, ups.next().value];
        const [ahead, replaced] = [Math.min(first, fleet.aheadStarting), Math.min(second, fleet.behind)];
        fleet.aheadStarting -= ahead;
        fleet.aheadUp += ahead;
        fleet.behind -= replaced;
        fleet.up += ahead + replaced;
      }
    }),
  );
});
