import * as fc from "fast-check";
import { fairShares, regionFloors } from "./region-share";

it("bounds nobody where all fit", () => {
  expect([
    ...fairShares(
      [
        { id: "a", priority: 50, min: 1, want: 3 },
        { id: "b", priority: 50, min: 0, want: 2 },
      ],
      5,
    ),
  ]).toEqual([
    ["a", Infinity],
    ["b", Infinity],
  ]);
});

it("gives minimums first and then levels", () => {
  const shares = fairShares(
    [
      { id: "a", priority: 50, min: 4, want: 9 },
      { id: "b", priority: 50, min: 0, want: 9 },
      { id: "c", priority: 50, min: 0, want: 1 },
    ],
    8,
  );
  expect(Object.fromEntries(shares)).toEqual({ a: 4, b: 3, c: 1 });
});

it("gives the higher priority all it wants, and the others one each beside their minimums", () => {
  const shares = fairShares(
    [
      { id: "low", priority: 10, min: 2, want: 9 },
      { id: "none", priority: 20, min: 0, want: 9 },
      { id: "high", priority: 90, min: 0, want: 4 },
      { id: "middle", priority: 50, min: 0, want: 9 },
    ],
    9,
  );
  expect(Object.fromEntries(shares)).toEqual({ high: 4, middle: 2, none: 1, low: 2 });
});

const claims = fc
  .array(fc.record({ priority: fc.integer({ min: 1, max: 3 }), min: fc.nat(4), more: fc.nat(6) }), {
    minLength: 1,
    maxLength: 6,
  })
  .map((all) => all.map(({ priority, min, more }, i) => ({ id: `e${String(i)}`, priority, min, want: min + more })));

it("never gives away more than there is, nor more than is wanted, and leaves nothing over that someone wants", () => {
  fc.assert(
    fc.property(claims, fc.nat(40), (all, regionMax) => {
      const shares = fairShares(all, regionMax);
      const given = all.map(({ id, want }) => Math.min(want, shares.get(id) ?? 0));
      const total = given.reduce((sum, n) => sum + n, 0);
      expect(total).toBeLessThanOrEqual(Math.max(regionMax, 0));
      if (given.some((n, i) => n < (all[i]?.want ?? 0))) expect(total).toBe(regionMax);
    }),
  );
});

it("starves nobody, serves the higher priority first, levels the equal, and does not mind the order", () => {
  fc.assert(
    fc.property(claims, fc.nat(40), (all, regionMax) => {
      const shares = fairShares(all, regionMax);
      const share = (id: string, want: number): number => Math.min(want, shares.get(id) ?? 0);
      const least = ({ min, want }: (typeof all)[number]): number => Math.max(min, Math.min(1, want));
      const sum = all.reduce((total, claim) => total + least(claim), 0);
      for (const a of all) {
        if (regionMax >= sum) expect(share(a.id, a.want)).toBeGreaterThanOrEqual(least(a));
        for (const b of all) {
          const isLess = share(a.id, a.want) < a.want;
          const hasMore = share(b.id, b.want) > least(b);
          if (a.priority > b.priority && isLess) expect(hasMore).toBe(false);
          if (a.priority === b.priority && isLess && hasMore)
            expect(share(b.id, b.want)).toBeLessThanOrEqual(share(a.id, a.want) + 1);
        }
      }
      expect(fairShares([...all].reverse(), regionMax)).toEqual(shares);
    }),
  );
});

it("spreads the region's minimum over those with room", () => {
  expect(
    Object.fromEntries(
      regionFloors(
        [
          { id: "a", min: 1, max: 2 },
          { id: "b", min: 1, max: 9 },
        ],
        6,
      ),
    ),
  ).toEqual({ a: 2, b: 4 });
  expect(Object.fromEntries(regionFloors([{ id: "a", min: 1, max: 2 }], 6))).toEqual({ a: 2 });
});
