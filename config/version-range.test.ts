import { isRange, newestFirst, takesVersion } from "./version-range";

// What node-semver 7 says of each, with pre-releases let in, but for those that are marked.
it.each([
  ["1.4.2", "1.4.2 1.4.3 1.4", "1.4.2"],
  ["^1.4.2", "1.4.1 1.4.2 1.9 2.0.0 2.0.0-rc.1", "1.4.2 1.9"],
  ["^1.4", "1.3.9 1.4 1.99.0 2", "1.4 1.99.0"],
  ["^1", "0.9 1 1.0.1 2", "1 1.0.1"],
  ["^0.2.3", "0.2.2 0.2.3 0.2.9 0.3.0", "0.2.3 0.2.9"],
  ["^0.0.3", "0.0.3 0.0.4", "0.0.3"],
  ["^0.0", "0.0.9 0.1.0", "0.0.9"],
  ["~1.4.2", "1.4.1 1.4.2 1.4.9 1.5.0", "1.4.2 1.4.9"],
  ["~1.4", "1.4.0 1.5.0", "1.4.0"],
  ["~1", "1.9.0 2.0.0", "1.9.0"],
  ["1.x", "0.9 1.0.0 1.9 2.0.0", "1.0.0 1.9"],
  ["1.4.*", "1.4.0 1.4.7 1.5.0", "1.4.0 1.4.7"],
  ["*", "0.0.1 17 beta", "0.0.1 17"],
  [">=1.4 <2", "1.3.9 1.4.0 1.9.9 2.0.0 2.0.0-rc.1", "1.4.0 1.9.9"],
  [">= 1.4.0  < 1.6.0", "1.4.0 1.5 1.6", "1.4.0 1.5"],
  [">1.4", "1.4.9 1.5.0", "1.5.0"],
  [">1.4.2", "1.4.2 1.4.3", "1.4.3"],
  ["<=1.4", "1.4.9 1.5.0", "1.4.9"],
  ["<=1.4.2", "1.4.2 1.4.3", "1.4.2"],
  ["=1.4", "1.4.0 1.4.9 1.5", "1.4.0 1.4.9"],
  ["1.4 - 1.6", "1.3.9 1.4.0 1.6.9 1.7.0", "1.4.0 1.6.9"],
  ["1.4.2 - 1.6.0", "1.4.1 1.4.2 1.6.0 1.6.1", "1.4.2 1.6.0"],
  ["1.4.x || ^2.1", "1.4.0 1.5 2.0.9 2.1 2.9", "1.4.0 2.1 2.9"],
  ["1.4 || 2", "1.4 1.4.0 2 2.1", "1.4 2"],
  [">=2.0.0-rc.1 <3", "2.0.0-beta.9 2.0.0-rc.1 2.0.0-rc.10 2.0.0 3.0.0-rc.1", "2.0.0-rc.1 2.0.0-rc.10 2.0.0"],
  [">1.0.0-rc.2", "1.0.0-rc.2 1.0.0-rc.10 1.0.0-rc.x 1.0.0", "1.0.0-rc.10 1.0.0-rc.x 1.0.0"],
  ["v1.4", "v1.4 1.4", "v1.4"],
  // Names that are no numbers are taken as they stand.
  ["autumn", "autumn spring", "autumn"],
  ["autumn || 1.x", "autumn spring 1.7", "autumn 1.7"],
])("%s takes of %s: %s", (wish, versions, taken) => {
  expect(
    versions
      .split(" ")
      .filter((version) => takesVersion(wish, version))
      .join(" "),
  ).toBe(taken);
});

it("leaves pre-releases of the upper end out, where npm would let them in", () => {
  expect(takesVersion("<2.0.0", "2.0.0-rc.1")).toBe(false);
  expect(takesVersion("<2.0.0-rc.2", "2.0.0-rc.1")).toBe(true);
});

it.each([
  ["1.4", false],
  ["autumn", false],
  ["1.x", true],
  ["^1.4", true],
  ["1 || 2", true],
  [">=one", false],
  ["the best one", false],
])("%s is a range: %s", (wish, is) => expect(isRange(wish)).toBe(is));

it("puts the newest first, and names last", () => {
  expect(["1.9", "autumn", "1.10", "2.0.0-rc.1", "2.0.0", "alpha"].sort(newestFirst)).toEqual([
    "2.0.0",
    "2.0.0-rc.1",
    "1.10",
    "1.9",
    "alpha",
    "autumn",
  ]);
});
