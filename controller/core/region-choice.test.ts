import { chooseRegion, greatCircleKm, type RegionWish } from "./region-choice";
import type { RegionSummary } from "./resources";
import { testExperience, testSettings } from "./testing/settings-double";

type Row = RegionSummary["experiences"][string][number];
const row = (more: Partial<Row> = {}): Row => ({
  version: "1",
  mods: [],
  free: 10,
  queued: 0,
  canGrow: true,
  cpu: 0.2,
  ...more,
});
const region = (
  name: string,
  location: readonly [number, number] | null,
  rows: readonly Row[] = [row()],
  state: RegionSummary["state"] = "up",
): RegionSummary => ({ region: name, state, location, experiences: { arena: rows } });

const HERE: readonly [number, number] = [51.5, -0.1];
const NEAR: readonly [number, number] = [48.9, 2.4];
const FAR: readonly [number, number] = [40.7, -74];
const settings = testSettings([testExperience("arena", { routing: { maxLatencyMs: 120 } })], {
  location: HERE,
  regionLocations: { here: HERE, near: NEAR, far: FAR },
});
const all = [region("here", HERE), region("near", NEAR), region("far", FAR)];
const wish = (more: Partial<RegionWish> = {}): RegionWish => ({
  experienceId: "arena",
  version: undefined,
  mods: [],
  region: undefined,
  latencies: {},
  partySize: 1,
  ...more,
});
const choose = (more: Partial<RegionWish>, summaries: readonly RegionSummary[] = all): string =>
  chooseRegion(wish(more), summaries, settings).region;

it.each([
  ["the asked one, though another is nearer", { region: "far", latencies: { here: 10, far: 90 } }, all, "far"],
  ["the lowest latency that was measured", { latencies: { here: 60, near: 20, far: 90 } }, all, "near"],
  ["the one that was called, where nothing is known", {}, all, "here"],
  [
    "the nearest to the asked one that cannot serve",
    { region: "far" },
    [region("here", HERE), region("near", NEAR), region("far", FAR, [row()], "draining")],
    "here",
  ],
  [
    "one with room rather than a full one a little nearer",
    { latencies: { here: 30, near: 40 } },
    [region("here", HERE, [row({ free: 0, queued: 20 })]), region("near", NEAR)],
    "near",
  ],
  [
    "a full one that can grow rather than a free one far away",
    { latencies: { here: 10, far: 110 } },
    [region("here", HERE, [row({ free: 0 })]), region("far", FAR)],
    "here",
  ],
  [
    "a calm one rather than a loaded one as near",
    { latencies: { here: 30, near: 31 } },
    [region("here", HERE, [row({ cpu: 0.95 })]), region("near", NEAR)],
    "near",
  ],
  [
    "one that has the version",
    { version: "2" },
    [region("here", HERE), region("near", NEAR, [row({ version: "2" })])],
    "near",
  ],
  [
    "one that has the mods",
    { mods: ["fog"] },
    [region("here", HERE), region("near", NEAR, [row({ mods: ["fog", "ice"] })])],
    "near",
  ],
  [
    "one below the limit of latency",
    { latencies: { here: 200, near: 119, far: 150 } },
    [
      region("here", HERE, [row({ free: 99 })]),
      region("near", NEAR, [row({ free: 0, canGrow: false, queued: 90, cpu: 1 })]),
    ],
    "near",
  ],
  ["one within the limit rather than one that was not measured", { latencies: { far: 115 } }, all, "far"],
  ["one that was not measured where all that were are too far", { latencies: { far: 190, near: 180 } }, all, "here"],
  ["not one that is excluded", { exclude: ["here"] }, all, "near"],
  ["not one that is down", {}, [region("here", HERE, [row()], "down"), region("near", NEAR)], "near"],
  ["this one where none can serve", { experienceId: "other" }, all, "here"],
  ["any where all are excluded", { exclude: ["here", "near", "far"] }, all, "here"],
] as const)("chooses %s", (_name, more, summaries, wanted) => {
  expect(choose(more, summaries)).toBe(wanted);
});

it("says why", () => {
  const { reasons } = chooseRegion(wish({ region: "mars", latencies: { near: 20 } }), all, settings);
  expect(reasons[0]).toBe("mars was asked for but is not known");
  expect(reasons.join()).toContain("near: 20 ms measured");
});

it("measures distance along the surface", () => {
  expect(Math.round(greatCircleKm(HERE, FAR))).toBeGreaterThan(5500);
  expect(Math.round(greatCircleKm(HERE, FAR))).toBeLessThan(5620);
  expect(greatCircleKm(HERE, HERE)).toBe(0);
});
