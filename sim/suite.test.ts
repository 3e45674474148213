import { FAULTS } from "./fault";
import { PHASES } from "./phase";
import { runCase } from "./run";
import { commandOf, runSuite } from "./suite";

/** A share of what `forge sim` runs: seeds that are not in the corpus, and one long run. */
const SHARE = { from: 0, seeds: 20, steps: 500 };

it("keeps every promise under any mixture of faults", async () => {
  const result = await runSuite(SHARE);
  expect(result.failures).toEqual([]);
  expect(result.steps).toBeGreaterThan(SHARE.seeds * SHARE.steps);
  expect(result.faults).toBeGreaterThan(SHARE.seeds);
}, 180_000);

it("keeps every promise for long, under nearly every kind of fault", async () => {
  const result = await runSuite({ from: 5000, seeds: 1, steps: 8000 });
  expect(result.failures).toEqual([]);
  const rows = FAULTS.map((kind) => PHASES.filter((phase) => result.table.count(kind, phase) > 0).length);
  // One seed does not draw all of them; `forge sim` counts the cells of many.
  expect(rows.filter((cells) => cells > 0).length).toBeGreaterThan(FAULTS.length - 5);
}, 180_000);

it("is the same for the same case, faults and all", async () => {
  const [first, again] = [await runCase({ seed: 7, steps: 500 }), await runCase({ seed: 7, steps: 500 })];
  expect(again.trace).toBe(first.trace);
  expect(again.struck).toEqual(first.struck);
  const fewer = await runCase({ seed: 7, steps: 500, only: [0] });
  expect(fewer.struck).toEqual(first.faults.slice(0, 1));
});

it("names the command that runs a case again", () => {
  expect(commandOf({ seed: 3, steps: 60 })).toBe("forge sim --seed 3 --steps 60");
  expect(commandOf({ seed: 3, steps: 60, only: [1, 4] })).toBe("forge sim --seed 3 --steps 60 --only 1,4");
  expect(commandOf({ seed: 3, steps: 60, only: [] })).toBe("forge sim --seed 3 --steps 60 --only none");
});
