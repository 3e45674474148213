import { Random } from "../sim/random";

/**
 * What can go wrong, by name: what is done, then to whom. `kill` is SIGKILL and a new start, `stall` SIGSTOP and SIGCONT;
 * `cut` drops all packets between two, `mute` those from the first to the second only, `slow` has them wait; `fill` takes
 * the last byte of the disk that the records are on.
 */
export const FAULTS = {
  "kill leader": { needs: [] },
  "kill standby": { needs: ["standby"] },
  "kill agent": { needs: [] },
  "kill gate": { needs: [] },
  "kill server": { needs: [] },
  "kill consul": { needs: ["consul"] },
  "stall leader": { needs: [] },
  "stall standby": { needs: ["standby"] },
  "stall agent": { needs: [] },
  "stall gate": { needs: [] },
  "stall server": { needs: [] },
  "stall consul": { needs: ["consul"] },
  "cut leader-agent": { needs: ["network"] },
  "cut leader-consul": { needs: ["network", "consul"] },
  "cut leader": { needs: ["network"] },
  "cut agent": { needs: ["network"] },
  "mute leader-agent": { needs: ["network"] },
  "mute agent-leader": { needs: ["network"] },
  "mute leader-consul": { needs: ["network", "consul"] },
  "mute consul-leader": { needs: ["network", "consul"] },
  "slow leader": { needs: ["network"] },
  "slow agent": { needs: ["network"] },
  "fill agent": { needs: ["disk"] },
} as const satisfies Record<string, { readonly needs: readonly Need[] }>;

export type FaultName = keyof typeof FAULTS;
/** What a machine must have for a fault. */
export type Need = "standby" | "consul" | "network" | "disk";

export interface PlannedFault {
  readonly name: FaultName;
  /** Since the beginning. */
  readonly atMs: number;
  /** Until it is undone: a killed program starts again, a stopped one goes on, a cut heals. */
  readonly forMs: number;
  readonly region: number;
}

const FIRST_MS = 2_000;
const SHORTEST_MS = 500;
const LONGEST_MS = 12_000;
/** After a fault has been undone, until the next; a quarter of them do not wait for that. */
const PAUSE_MS = [2_000, 8_000] as const;
const OVERLAPPING = 0.25;

/**
 * The faults of a run, from its seed alone: what is possible strikes once, in random order, before anything strikes twice.
 * @param have what this machine has
 * @param only names, or how they begin: others are left out
 * @throws {Error} where nothing is left
 */
export function planFaults(
  { seed, minutes, regions, only }: { seed: number; minutes: number; regions: number; only: readonly string[] },
  have: ReadonlySet<Need>,
): readonly PlannedFault[] {
  const names = (Object.keys(FAULTS) as FaultName[]).filter(
    (name) =>
      FAULTS[name].needs.every((need) => have.has(need)) &&
      (only.length === 0 || only.some((begin) => name.startsWith(begin))),
  );
  if (names.length === 0)
    throw new Error(`--only ${only.join(",")} leaves no fault: there are ${Object.keys(FAULTS).join(", ")}`);
  const random = new Random(`chaos ${seed}`);
  const plan: PlannedFault[] = [];
  let deck: FaultName[] = [];
  let atMs = FIRST_MS;
  while (atMs < minutes * 60_000) {
    if (deck.length === 0) deck = shuffled(names, random);
    const name = deck.pop() as FaultName;
    const forMs = Math.round(random.between(SHORTEST_MS, LONGEST_MS));
    plan.push({ name, atMs: Math.round(atMs), forMs, region: random.int(regions) });
    const overlaps = random.chance(OVERLAPPING);
    atMs += overlaps ? random.between(0, forMs) : forMs + random.between(...PAUSE_MS);
  }
  return plan;
}

/** Faults that this machine cannot do, with what they lack. */
export function impossibleFaults(have: ReadonlySet<Need>): readonly { name: FaultName; lacks: readonly Need[] }[] {
  return (Object.keys(FAULTS) as FaultName[])
    .map((name) => ({ name, lacks: FAULTS[name].needs.filter((need) => !have.has(need)) }))
    .filter(({ lacks }) => lacks.length > 0);
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const all = [...items];
  for (let i = all.length - 1; i > 0; i--) {
    const j = random.int(i + 1);
    [all[i], all[j]] = [all[j] as T, all[i] as T];
  }
  return all;
}
