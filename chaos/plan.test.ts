import { FAULTS, impossibleFaults, planFaults, type FaultName, type Need } from "./plan";

const ALL = new Set<Need>(["standby", "consul", "network", "disk"]);
const asked = { seed: 7, minutes: 30, regions: 2, only: [] };

it("is the same for a seed, and another for another", () => {
  expect(planFaults(asked, ALL)).toEqual(planFaults(asked, ALL));
  expect(planFaults({ ...asked, seed: 8 }, ALL)).not.toEqual(planFaults(asked, ALL));
});

it("is the beginning of a longer one of that seed", () => {
  const short = planFaults({ ...asked, minutes: 3 }, ALL);
  expect(planFaults(asked, ALL).slice(0, short.length)).toEqual(short);
  expect(short.at(-1)?.atMs).toBeLessThan(3 * 60_000);
});

it("strikes with everything once before anything strikes twice, in every region", () => {
  const plan = planFaults(asked, ALL);
  const kinds = Object.keys(FAULTS).length;
  expect(new Set(plan.slice(0, kinds).map(({ name }) => name)).size).toBe(kinds);
  expect(new Set(plan.map(({ region }) => region))).toEqual(new Set([0, 1]));
});

it("leaves out what the machine cannot do, and says what it lacks", () => {
  const bare = new Set<Need>();
  const names = new Set(planFaults(asked, bare).map(({ name }) => name));
  const impossible = impossibleFaults(bare).map(({ name }) => name);
  expect([...names].filter((name) => impossible.includes(name))).toEqual([]);
  expect([...names, ...impossible].sort()).toEqual((Object.keys(FAULTS) as FaultName[]).sort());
  expect(impossibleFaults(new Set<Need>(["consul"])).find(({ name }) => name === "cut leader-consul")?.lacks).toEqual([
    "network",
  ]);
});

it("strikes only with what was asked for, and says what there is where that is nothing", () => {
  const only = planFaults({ ...asked, only: ["kill", "slow agent"] }, ALL).map(({ name }) => name);
  expect(only.every((name) => name.startsWith("kill ") || name === "slow agent")).toBe(true);
  expect(() => planFaults({ ...asked, only: ["flood"] }, ALL)).toThrow(/--only flood leaves no fault.*kill leader/);
});
