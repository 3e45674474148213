import { runCase, type SimResult } from "./run";
import { shrink } from "./shrink";
import { PLANTED_BUGS } from "./testing/planted-bugs";

const SEEDS = 200;
const STEPS = 500;

/** A seed whose run breaks a promise. */
async function failure(known: number): Promise<{ readonly seed: number; readonly result: SimResult } | undefined> {
  // Where the code has changed since, the known one may have come to another run: then all the others are tried.
  for (const seed of [known, ...Array(SEEDS).keys()]) {
    const result = await runCase({ seed, steps: STEPS });
    if (result.violations.length > 0) return { seed, result };
  }
  return undefined;
}

describe.each(PLANTED_BUGS.map((bug) => [bug.name, bug] as const))("planted: %s", (_name, bug) => {
  it(`is found within ${String(SEEDS)} seeds, and the same run is clean without it`, async () => {
    const undo = bug.plant();
    let found: Awaited<ReturnType<typeof failure>>;
    try {
      found = await failure(bug.seed);
    } finally {
      undo();
    }
    expect(found).toBeDefined();
    if (!found) return;
    expect(`${found.result.violations[0]?.promise ?? ""} ${found.result.violations[0]?.check ?? ""}`).toMatch(
      bug.shows,
    );
    expect((await runCase({ seed: found.seed, steps: STEPS })).violations).toEqual([]);
  }, 600_000);
});

it("shrinks a failing seed to fewer faults and steps that fail the same way", async () => {
  const bug = PLANTED_BUGS.find(({ name }) => name.startsWith("a stop without"));
  const undo = bug?.plant();
  try {
    const of = { seed: 1, steps: STEPS };
    const result = await runCase(of);
    const { of: smaller, result: again } = await shrink(of, result);
    expect(again.violations[0]?.check).toBe(result.violations[0]?.check);
    expect(smaller.only?.length).toBeLessThan(result.faults.length);
    expect(smaller.steps).toBeLessThan(STEPS);
  } finally {
    undo?.();
  }
}, 600_000);
