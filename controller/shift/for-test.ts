import type { Clock } from "../../protocol/clock";
import { planOf, type ShiftPlan, type ShiftWish } from "../core/shift-plan";
import type { AgonesMatch } from "./agones-allocator";
import { Shift, type ShiftDeps } from "./shift";
import type { SharedDocument, Stored } from "../document";

/** For tests: a shift that takes its steps as fast as it is looked at. */
export const WISH: ShiftWish = {
  experienceId: "arena",
  agones: { url: "http://allocator.example", namespace: "games", fleet: "arena" },
  steps: [1, 5, 10, 25, 50, 100],
  gate: { holdSecs: 1, minMatches: 1, maxErrorRate: 0.5, maxP99Ms: 60_000, maxLost: 0 },
  soakSecs: 1,
};

/** TEST DOUBLE of a store: in memory, it may be cut off, and outlives the controllers that write to it. */
export class StoreDouble implements SharedDocument<ShiftPlan> {
  readonly place = "memory";
  isCutOff = false;
  writes = 0;
  stored: Stored | undefined;

  constructor(plan?: ShiftPlan) {
    if (plan !== undefined) this.stored = { value: plan, revision: 1 };
  }

  read(): Promise<Stored | undefined> {
    if (this.isCutOff) return Promise.reject(new Error("cut off"));
    return Promise.resolve(this.stored);
  }

  write(plan: ShiftPlan, revision: number): Promise<number | undefined> {
    if (this.isCutOff) return Promise.reject(new Error("cut off"));
    if ((this.stored?.revision ?? 0) !== revision) return Promise.resolve(undefined);
    this.writes += 1;
    this.stored = { value: JSON.parse(JSON.stringify(plan)), revision: revision + 1 };
    return Promise.resolve(revision + 1);
  }
}

/** TEST DOUBLE of Agones' allocator: each call takes a server more; `isDown` refuses. */
export class AllocatorDouble {
  isDown = false;
  readonly taken: string[] = [];

  allocate(matchId: string): Promise<AgonesMatch> {
    if (this.isDown) return Promise.reject(new Error("connection refused"));
    this.taken.push(matchId);
    return Promise.resolve({ id: `arena-${this.taken.length}`, address: "192.0.2.7", ports: { game: 7777 } });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

export function shiftForTest(clock: Clock, more: Partial<ShiftDeps> = {}): Shift {
  const quiet = (): void => undefined;
  return new Shift({
    store: new StoreDouble(planOf(WISH, clock.now(), 1)),
    clock,
    log: { info: quiet, warn: quiet },
    leads: () => ({ leader: true, epoch: 1 }),
    connect: () => new AllocatorDouble(),
    metric: () => Promise.resolve("unknown"),
    ...more,
  });
}
