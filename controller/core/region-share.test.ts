import * as fc from "fast-check";
import { fairShares, regionFloors } from "./region-share";

it("bounds nobody where all fit", () => {
  expect([
    ...fairShares(
      [
        { id: "a", min: 1, want: 3 },
        { id: "b", min: 0, want: 2 },
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
      { id: "a", min: 4, want: 9 },
      { id: "b", min: 0, want: 9 },
      { id: "c", min: 0, want: 1 },
    ],
    8,
  );
  expect(Object.fromEntries(shares)).toEqual({ a: 4, b: 3, c: 1 });
});

const claims = fc
  .array(fc.record({ min: fc.nat(4), more: fc.nat(6) }), { minLength: 1, maxLength: 5 })
  .map((all) => all.map(({ min, more }, i) => ({ id: `e${String(i)}`, min, want: min + more, max: min + more })));

it("never gives away more than there is, nor more than is wanted, and leaves nothing over that someone wants", () => {
  fc.assert(
    fc.property(claims, fc.nat(30), (all, regionMax) => {
      const shares = fairShares(all, regionMax);
      const given = all.map(({ id, want }) => Math.min(want, shares.get(id) ?? 0));
      const total = given.reduce((sum, n) => sum + n, 0);
      expect(total).toBeLessThanOrEqual(Math.max(regionMax, 0));
      if (given.some((n, i) => n < (all[i]?.want ?? 0))) expect(total).toBe(regionMax);
    }),
  );
});

it("spreads the region's minimum over those with room", () => {
  expect(
    Object.fromEntries(
      regionFloors(
        [
          { id: "a", min: 1, want: 1, max: 2 },
          { id: "b", min: 1, want: 1, max: 9 },
        ],
        6,
      ),
    ),
  ).toEqual({ a: 2, b: 4 });
  expect(Object.fromEntries(regionFloors([{ id: "a", min: 1, want: 1, max: 2 }], 6))).toEqual({ a: 2 });
});
