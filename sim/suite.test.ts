import { CELL_STEPS } from "./fault";
import { runCase } from "./run";
import { commandOf, runSuite } from "./suite";

/** A share of what `forge sim` runs: seeds that are not in the corpus, and one long run. */
const SHARE = { from: 0, seeds: 20, steps: 500 };

it("keeps every promise under any mixture of faults", async () => {
  const result = await runSuite(SHARE);
  expect(result.failures).toEqual([]);
  expect(result.steps).toBeGreaterThan(SHARE.seeds * SHARE.steps);
  expect(result.faults).toBeGreaterThan(SHARE.seeds);
}, 600_000);

it("keeps every promise under every kind of fault while every kind of message is under way", async () => {
  // Two: what a run has too few messages of, the other makes up for.
  const result = await runSuite({ from: 2, seeds: 2, steps: CELL_STEPS, cells: true });
  expect(result.failures).toEqual([]);
  expect(result.table.empty()).toEqual([]);
}, 600_000);

it("is the same for the same case, faults and all", async () => {
  const [first, again] = [await runCase({ seed: 7, steps: 500 }), await runCase({ seed: 7, steps: 500 })];
  expect(again.trace).toBe(first.trace);
  expect(again.struck).toEqual(first.struck);
  const fewer = await runCase({ seed: 7, steps: 500, only: [0] });
  expect(fewer.struck).toEqual(first.faults.slice(0, 1));
}, 600_000);

it("names the command that runs a case again", () => {
  expect(commandOf({ seed: 3, steps: 60 })).toBe("forge sim --seed 3 --steps 60");
  expect(commandOf({ seed: 3, steps: 60, only: [1, 4] })).toBe("forge sim --seed 3 --steps 60 --only 1,4");
  expect(commandOf({ seed: 3, steps: 60, only: [] })).toBe("forge sim --seed 3 --steps 60 --only none");
  expect(commandOf({ seed: 3, steps: 60, plain: true })).toBe("forge sim --seed 3 --steps 60 --plain");
  expect(commandOf({ seed: 3, steps: 60, cells: true })).toBe("forge sim --seed 3 --steps 60 --cells");
});
