import type { PlannedRegion } from "../cli/up/run-plan";
import type { NetHost } from "./network";
import type { Program } from "./program";
import type { SmallDisk } from "./small-disk";

/** A program and the machine that it is on; without a network all are on this one. */
export interface Placed {
  readonly program: Program;
  readonly host: NetHost | undefined;
}

export interface Replica extends Placed {
  readonly url: string;
}

/** One region of the run: two replicas of its controller where there is Consul, else one; an agent and a gate. */
export interface ChaosRegion {
  readonly plan: PlannedRegion;
  readonly replicas: readonly Replica[];
  readonly agent: Placed;
  readonly gate: Placed;
  /** Of the agent's journal. */
  readonly disk: SmallDisk | undefined;
}

export type Role = "leader" | "standby";

/**
 * Who leads now and who does not, as they say themselves. Where none says that it leads, or both do, the one that is looked
 * for is not there.
 */
export async function replicaOf(region: ChaosRegion, role: Role): Promise<Replica | undefined> {
  const leads = await Promise.all(region.replicas.map(({ url }) => leadsNow(url)));
  if (leads.filter(Boolean).length !== 1) return undefined;
  return region.replicas.find((_, index) => leads[index] === (role === "leader"));
}

export async function leadsNow(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(1000) });
    return /^forge_leader\{[^}]*\} 1$/m.test(await answer.text());
  } catch {
    return false;
  }
}
