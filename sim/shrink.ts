import { runCase, type SimCase, type SimResult } from "./run";

/** So many runs a search for a smaller case may take. */
const MOST_RUNS = 120;

export interface Shrunk {
  readonly of: SimCase;
  readonly result: SimResult;
  readonly runs: number;
}

/**
 * Looks for a smaller case that breaks the same promise by the same check: first with fewer faults, then with fewer steps.
 * @param run the real runner, or one with a planted bug
 */
export async function shrink(
  of: SimCase,
  result: SimResult,
  run: (of: SimCase) => Promise<SimResult> = runCase,
): Promise<Shrunk> {
  const check = result.violations[0]?.check;
  let best: Shrunk = { of, result, runs: 0 };
  let runs = 0;
  const better = async (candidate: SimCase): Promise<boolean> => {
    if (runs >= MOST_RUNS) return false;
    runs += 1;
    const tried = await run(candidate);
    if (tried.violations[0]?.check !== check) return false;
    best = { of: candidate, result: tried, runs };
    return true;
  };

  const all = of.only ?? result.faults.map((_fault, index) => index);
  let kept = all;
  // Halves first, then one by one.
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < kept.length;) {
      const fewer = [...kept.slice(0, at), ...kept.slice(at + size)];
      if (await better({ ...best.of, only: fewer })) kept = fewer;
      else at += size;
    }
  }
  // The plan depends on the number of steps only in its length: what was chosen by place stays.
  for (let steps = Math.floor(best.of.steps / 2); steps >= 10; steps = Math.floor(steps / 2)) {
    const before = best.of;
    if (!(await better({ ...before, steps }))) break;
  }
  return { ...best, runs };
}
