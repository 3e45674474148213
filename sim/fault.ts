import { PHASES, type Phase } from "./phase";
import type { Random } from "./random";

/** What can go wrong in the virtual world. */
export const FAULTS = [
  "crash",
  "restart",
  "stall",
  "partition",
  "oneWay",
  "delay",
  "duplicate",
  "reorder",
  "skew",
  "slowNode",
  "fullNode",
  "diskFull",
  "tornJournal",
  "lie",
  "nodeLost",
  "nodeAway",
  "unseen",
  "standstill",
  "missedEvents",
  "lockLost",
] as const;

export type FaultKind = (typeof FAULTS)[number];

/** One fault of a run. All that is random about it is in it, so that leaving another out changes nothing of it. */
export interface PlannedFault {
  readonly kind: FaultKind;
  /** It strikes while a message of this kind is under way, as soon as there is one. */
  readonly phase: Phase;
  /** Not before so many steps; where nothing of its phase comes for a while, it strikes anyway. */
  readonly afterStep: number;
  /** Chooses what it strikes, modulo what there is. */
  readonly target: number;
  readonly ms: number;
}

/** On average so many steps between two faults. */
const STEPS_APART = 90;
const SHORTEST_MS = 300;
const LONGEST_MS = 14_000;
/** Of these only what lasts longer than others are patient tells anything: so much is added to their time. */
const LASTING: Partial<Record<FaultKind, number>> = { unseen: 11_000, standstill: 7000 };

/** The same in a run of every cell: they overlap, so that it is done in minutes of virtual time. */
const CELL_STEPS_APART = 25;

/** So many steps a run of every cell takes; the rarest messages need the last of them. */
export const CELL_STEPS = FAULTS.length * PHASES.length * CELL_STEPS_APART + 2500;

/** Every kind of fault while every kind of message is under way, once, in an order that hangs on the seed. */
export function planCells(random: Random): readonly PlannedFault[] {
  const cells = FAULTS.flatMap((kind) => PHASES.map((phase) => ({ kind, phase, order: random.next() })));
  return cells
    .sort((a, b) => a.order - b.order)
    .map(({ kind, phase }, n) => ({
      kind,
      phase,
      afterStep: 20 + n * CELL_STEPS_APART,
      target: random.int(1 << 20),
      ms: someMs(random, kind),
    }));
}

/** Those that are over, or tell something, within the seconds that a run takes that is not slow. */
export const BRIEF_FAULTS: readonly FaultKind[] = FAULTS.filter((kind) => LASTING[kind] === undefined);

/** The faults of a run of so many steps, each of one of these kinds, while a message of one of these kinds is under way. */
export function planFaults(
  random: Random,
  steps: number,
  phases: readonly Phase[] = PHASES,
  kinds: readonly FaultKind[] = FAULTS,
): readonly PlannedFault[] {
  const faults: PlannedFault[] = [];
  for (let at = 20; at < steps; at += 1 + Math.floor(-Math.log(1 - random.next()) * STEPS_APART)) {
    const kind = random.pick(kinds) ?? "crash";
    const phase = random.pick(phases) ?? "grant";
    const ms = someMs(random, kind);
    faults.push({ kind, phase, afterStep: at, target: random.int(1 << 20), ms });
  }
  return faults;
}

/** Short and long ones alike: what matters differs by orders of magnitude. */
function someMs(random: Random, kind: FaultKind): number {
  return Math.round((LASTING[kind] ?? 0) + SHORTEST_MS * (LONGEST_MS / SHORTEST_MS) ** random.next());
}

export function describeFault({ kind, phase, afterStep, target, ms }: PlannedFault): string {
  return `${kind} for ${String(ms)} ms while ${phase} is under way, from step ${String(afterStep)} (target ${String(target)})`;
}
