import { FaultTable } from "./fault-table";
import { runCase, type SimCase, type SimResult } from "./run";
import { shrink } from "./shrink";

export interface SuiteOptions {
  readonly from: number;
  readonly seeds: number;
  readonly steps: number;
  /** Failing seeds that are shrunk; the others are only told. */
  readonly shrinkMost?: number;
  readonly cells?: boolean;
  readonly plain?: boolean;
  readonly onSeed?: (seed: number, result: SimResult) => void;
  readonly run?: (of: SimCase) => Promise<SimResult>;
}

export interface Failure {
  readonly of: SimCase;
  readonly promise: string;
  readonly check: string;
  readonly evidence: string;
  /** The smallest case found that breaks the same promise by the same check. */
  readonly shrunk: SimCase | undefined;
}

export interface SuiteResult {
  readonly seeds: number;
  readonly steps: number;
  readonly virtualMs: number;
  readonly faults: number;
  readonly failures: readonly Failure[];
  readonly table: FaultTable;
}

const SHRINK_MOST = 3;

/** Runs one seed after the other. What fails is shrunk and gathered; nothing is thrown. */
export async function runSuite(options: SuiteOptions): Promise<SuiteResult> {
  const { from, seeds, steps, cells, plain, shrinkMost = SHRINK_MOST, onSeed, run = runCase } = options;
  const table = new FaultTable();
  const failures: Failure[] = [];
  const total = { steps: 0, virtualMs: 0, faults: 0 };
  for (let seed = from; seed < from + seeds; seed++) {
    const of = { seed, steps, cells, plain };
    const result = await run(of);
    table.add(result.table);
    total.steps += result.steps;
    total.virtualMs += result.virtualMs;
    total.faults += result.struck.length;
    const [violation] = result.violations;
    if (violation) {
      const { promise, check, evidence } = violation;
      const shrunk = failures.length < shrinkMost ? (await shrink(of, result, run)).of : undefined;
      failures.push({ of, promise, check, evidence, shrunk });
    }
    onSeed?.(seed, result);
  }
  return { seeds, ...total, failures, table };
}

/** The command that runs a case again. */
export function commandOf({ seed, steps, only, cells = false, plain = false }: SimCase): string {
  const faults = only ? ` --only ${only.length > 0 ? only.join(",") : "none"}` : "";
  return `forge sim --seed ${String(seed)} --steps ${String(steps)}${plain ? " --plain" : ""}${cells ? " --cells" : ""}${faults}`;
}
