import type { KubeObject } from "../object";
import { nameOf, spaceOf } from "./inventory";
import { unused } from "./names";

/** What a workload is called at Nomad. */
export interface JobName {
  /** Of the job: one of its namespace. */
  readonly id: string;
  /** Of its files, without what follows the dot: with the namespace where another has a job of that name. */
  readonly file: string;
}

/** A name for each workload's job: its own, with its kind or a number where that is taken. */
export function jobNames(workloads: readonly KubeObject[]): ReadonlyMap<KubeObject, JobName> {
  const ids = new Map<KubeObject, string>();
  const taken = new Set<string>();
  for (const workload of workloads) {
    const space = spaceOf(workload);
    const name = nameOf(workload);
    const id = unused(taken.has(`${space}/${name}`) ? `${name}-${workload.kind.toLowerCase()}` : name, (each) =>
      taken.has(`${space}/${each}`),
    );
    taken.add(`${space}/${id}`);
    ids.set(workload, id);
  }
  const counts = countNames([...ids.values()].map((name) => ({ name })));
  const fileOf = (workload: KubeObject, id: string): string =>
    (counts.get(id) ?? 1) > 1 ? `jobs/${spaceOf(workload)}.${id}` : `jobs/${id}`;
  return new Map([...ids].map(([workload, id]) => [workload, { id, file: fileOf(workload, id) }]));
}

/** How often each name is there. */
export function countNames(named: readonly { readonly name: string }[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { name } of named) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
