import { MOVE_DEADLINE_MS } from "../controller/core/failover";
import { checkAgreement, somebodyMoves } from "./checks/agreement";
import { Bounds } from "./checks/bounds";
import { GivenUp } from "./checks/given-up";
import { KeptFleets } from "./checks/kept-fleets";
import { KeptSeats } from "./checks/kept-seats";
import { Once } from "./checks/once";
import { checkOtherRegion } from "./checks/other-region";
import { OverLimit } from "./checks/over-limit";
import { checkRolls } from "./checks/rolls";
import { Stops } from "./checks/stops";
import { playDemand } from "./demand/demand";
import { BRIEF_FAULTS, FAULTS, planCells, planFaults, type PlannedFault } from "./fault";
import type { FaultTable } from "./fault-table";
import { Injector } from "./injector";
import { PHASES, PLAIN_PHASES } from "./phase";
import { USUAL_SIZE, World, type Violation } from "./world";

/** One run, all of it: the same case gives the same run. */
export interface SimCase {
  readonly seed: number;
  /** Delivered messages until the faults stop and the world has to come to rest. */
  readonly steps: number;
  /** Only these of the seed's faults, by their place in its plan; all where not given. */
  readonly only?: readonly number[] | undefined;
  /** Faults of every cell of the table once, instead of those that the seed draws; see `CELL_STEPS`. */
  readonly cells?: boolean | undefined;
  /** A world without what operators, matchmakers and autoscalers do in a busy one, which is the usual one. */
  readonly plain?: boolean | undefined;
}

export interface SimResult {
  readonly violations: readonly Violation[];
  readonly faults: readonly PlannedFault[];
  readonly struck: readonly PlannedFault[];
  readonly table: FaultTable;
  readonly steps: number;
  readonly virtualMs: number;
  readonly trace: number;
  readonly recent: readonly string[];
}

/** Long enough for every lease, doubt and wait in line to end. */
const REST_MS = 45_000;
/** A move that is still under way then may go on looking for a place until its deadline, and a little more to be told. */
const MOVE_REST_MS = MOVE_DEADLINE_MS + 10_000;
/** Each so many-th seed has a second region beside the first. */
const SECOND_REGION_EACH = 5;
/** Each so many-th is slow: faults that only time makes one, as of a node that is out of reach until all have given it up, fit in. */
const SLOW_EACH = 4;
/** The first few are not: planted bugs are found by them. */
const SLOW_FROM = 11;
const SLOWNESS = 15;

/** Runs a case: faults, rest, and what is checked at rest. Stops at the first broken promise. */
export async function runCase({ seed, steps, only, cells = false, plain = false }: SimCase): Promise<SimResult> {
  const slow = !plain && !cells && seed >= SLOW_FROM && seed % SLOW_EACH === SLOW_EACH - 1;
  const world = new World(seed, {
    ...USUAL_SIZE,
    regions: seed % SECOND_REGION_EACH === 0 ? 2 : 1,
    kind: plain ? "plain" : "busy",
    slowness: slow ? SLOWNESS : 1,
  });
  const random = world.random.fork("faults");
  const kinds = slow ? FAULTS : BRIEF_FAULTS;
  const faults = cells ? planCells(random) : planFaults(random, steps, plain ? PLAIN_PHASES : PHASES, kinds);
  const chosen = only ? faults.filter((_fault, index) => only.includes(index)) : faults;
  const injector = new Injector(world, chosen, cells ? Infinity : undefined);
  world.watches.push(new OverLimit(world), new KeptSeats(world), new KeptFleets(world), new Stops(world));
  world.watches.push(new Once(world), new Bounds(world), new GivenUp(world));
  world.start();
  await world.runSteps(steps);
  if (world.violations.length === 0) await rest(world, injector);
  return {
    violations: world.violations,
    faults,
    struck: injector.struck,
    table: injector.table,
    steps: world.steps,
    virtualMs: Math.round(world.schedule.nowMs - world.beganMs),
    trace: world.trace,
    recent: world.violations.length > 0 ? world.recent() : [],
  };
}

async function rest(world: World, injector: Injector): Promise<void> {
  injector.heal();
  for (const crowd of world.crowds) crowd.rest();
  for (const office of world.offices) office.rest();
  for (const region of world.regions) region.bootAll();
  await world.runFor(REST_MS);
  if (world.violations.length === 0 && (await somebodyMoves(world))) await world.runFor(MOVE_REST_MS - REST_MS);
  for (const region of world.regions) if (world.violations.length === 0) await checkAgreement(world, region);
  const [first, second] = world.regions;
  if (first && world.violations.length === 0) await checkRolls(world, first);
  if (first && second && world.violations.length === 0) await checkOtherRegion(world, second, first);
  else if (first && first.kind === "busy" && world.violations.length === 0) await playDemand(world, first);
}
