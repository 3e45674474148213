import type { ChainEntry } from "./scaling-chain";

/** Two values of an entry that are the wrong way round. */
export interface Disorder {
  /** Where the second stands in the entry, and the first. */
  readonly path: readonly string[];
  readonly first: readonly string[];
  readonly value: number | string;
  readonly problem: string;
  readonly fix: string;
}

/** What is the wrong way round in an entry, whoever wrote it; `named` is how keys are written there. */
export function disordersOf(entry: ChainEntry, named: (key: string) => string = (key) => key): readonly Disorder[] {
  const { buffer, counter, list, schedule } = entry;
  return [
    ...bounds("buffer", "minReplicas", "maxReplicas", buffer?.minReplicas, buffer?.maxReplicas, named),
    ...bounds("counter", "minCapacity", "maxCapacity", counter?.minCapacity, counter?.maxCapacity, named),
    ...bounds("list", "minCapacity", "maxCapacity", list?.minCapacity, list?.maxCapacity, named),
    ...times(schedule?.between?.start, schedule?.between?.end),
  ];
}

function bounds(
  table: string,
  low: string,
  high: string,
  from: number | undefined,
  to: number | undefined,
  named: (key: string) => string,
): readonly Disorder[] {
  if (from === undefined || to === undefined || from <= to) return [];
  const problem = `is below ${named(low)}, ${String(from)}`;
  const fix = `write at least ${String(from)}`;
  return [{ path: [table, named(high)], first: [table, named(low)], value: to, problem, fix }];
}

function times(start: string | undefined, end: string | undefined): readonly Disorder[] {
  if (start === undefined || end === undefined || Date.parse(start) < Date.parse(end)) return [];
  const problem = "is not after start, so the entry would never apply";
  const fix = "write a later time, or leave it out";
  const between = ["schedule", "between"];
  return [{ path: [...between, "end"], first: [...between, "start"], value: end, problem, fix }];
}
