import type { Cursor } from "../ledger/claims";
import type { KubeObject } from "../object";
import { type ChainEntry, chainEntryOf } from "./fleet-policy";
import type { FleetState } from "./fleet-state";
import { claimCommon } from "./metadata";

/** What forge.toml takes of servers, and of entries in a chain. */
const MOST_SERVERS = 100_000;
const MOST_ENTRIES = 32;
/** Of a policy that nothing bounds. */
const UNBOUNDED = 100;

/** `scaling` of an experience: from the Fleet's replicas, or from the FleetAutoscaler that names it. */
export function fleetScaling({
  replicas,
  autoscaler,
  state,
  target,
}: {
  readonly replicas: number;
  readonly autoscaler: KubeObject | undefined;
  readonly state: FleetState;
  readonly target: string;
}): Record<string, unknown> {
  const most = Math.min(MOST_SERVERS, Math.max(1, replicas));
  const alone = { min_servers: Math.min(MOST_SERVERS, replicas), max_servers: most };
  if (autoscaler === undefined) return alone;
  claimCommon(autoscaler, `${target}.scaling`);
  const spec = autoscaler.root.get("spec");
  spec.get("fleetName").converted(`${target}.scaling`);
  spec.get("sync").note("fleetSync");
  const policy = spec.get("policy");
  const size = policy.get("buffer", "bufferSize").intOrText();
  const isChain = policy.get("type").text() === "Chain";
  const entries = policiesOf(policy).flatMap(
    (each, index) => chainEntryOf(each, state, `${target}.scaling${isChain ? `.chain[${index}]` : ""}`) ?? [],
  );
  if (entries.length === 0) return alone;
  const bounds = boundsOf(entries, most);
  // A buffer of so many servers means the same in both words; a share is of the whole only in the chain's.
  const [only] = entries;
  if (
    !isChain &&
    only?.table["buffer"] !== undefined &&
    only.table["schedule"] === undefined &&
    typeof size === "number"
  )
    return { ...bounds, buffer: size };
  return { ...bounds, chain: entries.map(({ table }) => table) };
}

/** The policies in their order; what is beyond those that forge.toml takes is said to be lost. */
function policiesOf(policy: Cursor): readonly Cursor[] {
  if (policy.get("type").text() !== "Chain") return [policy];
  policy.get("type").converted();
  const all = policy.get("chain").items();
  for (const each of all.slice(MOST_ENTRIES)) each.note("fleetPolicy");
  return all.slice(0, MOST_ENTRIES);
}

/** So wide that each entry may ask for what it could in Agones; the entries have their own bounds within. */
function boundsOf(entries: readonly ChainEntry[], replicas: number): { min_servers: number; max_servers: number } {
  const min = Math.min(MOST_SERVERS, ...entries.map((entry) => Math.max(0, entry.min)));
  const max = Math.max(1, min, ...entries.map((entry) => entry.max ?? Math.max(UNBOUNDED, replicas)));
  return { min_servers: min, max_servers: Math.min(MOST_SERVERS, max) };
}
