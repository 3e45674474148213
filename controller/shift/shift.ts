import type { Logger } from "pino";
import type { Clock } from "../../protocol/clock";
import { ProblemError } from "../problems";
import type { ShiftStatus } from "../api/schemas/shift";
import {
  act,
  decommissionList,
  judge,
  planOf,
  type ShiftAction,
  type ShiftPlan,
  ShiftRefused,
  type ShiftWish,
  whyNoPlan,
} from "../core/shift-plan";
import { ShareOut } from "../core/share-out";
import { type Allocator, type Match, MatchSharing, type SharedOut, type Shifted } from "./match-sharing";
import type { SharedDocument } from "../document";
import { StepCounts } from "./step-counts";
import { StoredPlan } from "./stored-plan";

export interface ShiftDeps {
  readonly store: SharedDocument<ShiftPlan>;
  readonly clock: Clock;
  readonly log: Pick<Logger, "info" | "warn">;
  /** Who leads: only the leader drives a plan, and writes its epoch into it. */
  readonly leads: () => { readonly leader: boolean; readonly epoch: number };
  readonly connect: (agones: ShiftWish["agones"]) => Allocator;
  /** The value of the plan's metric now. */
  readonly metric: (url: string, query: string) => Promise<number | "unknown">;
}

const TICK_MS = 1000;
interface Driven extends SharedOut {
  readonly revision: number;
  /** False: it is in force here and has to be written yet. */
  readonly isWritten: boolean;
}

/**
 * Drives a region's plan where its controller leads: shares new matches out, judges each step by what was measured, writes
 * each change down before more goes to Forge, and takes everything back at once where it must.
 */
export class Shift {
  private driven: Driven | undefined;
  /** The epoch it was loaded in: another leader may have changed it since. */
  private loadedEpoch = -1;
  private readonly sharing: MatchSharing;
  private readonly stored: StoredPlan;
  private busy: Promise<void> = Promise.resolve();
  private closed = false;
  private cancel: () => void = () => undefined;

  constructor(private readonly deps: ShiftDeps) {
    this.sharing = new MatchSharing(deps);
    this.stored = new StoredPlan(deps.store, deps.log);
  }

  start(): void {
    void this.tick();
  }

  async close(): Promise<void> {
    this.closed = true;
    this.cancel();
    await this.busy;
    await this.sharing.close();
  }

  /** @throws {ProblemError} shiftUnknown, unavailable */
  async status(): Promise<ShiftStatus> {
    await this.turn(() => this.load());
    const { driven } = this;
    if (driven === undefined) throw new ProblemError("shiftUnknown", "nobody has planned a shift in this region");
    const { p99Ms, ...sample } = driven.counts.sample();
    const plan = { ...driven.plan, counted: driven.shares.count };
    return {
      plan,
      measured: { ...sample, p99Ms: p99Ms ?? null },
      given: { ...this.sharing.given },
      decommission: [...decommissionList(plan)],
    };
  }

  /** A new plan, in the place of one that is not under way. @throws {ProblemError} conflict, invalid, unavailable */
  async plan(wish: ShiftWish): Promise<void> {
    const why = whyNoPlan(wish);
    if (why !== undefined) throw new ProblemError("invalid", why);
    try {
      await this.deps.connect(wish.agones).close();
    } catch (error) {
      throw new ProblemError("invalid", (error as Error).message);
    }
    await this.turn(async () => {
      await this.load();
      const state = this.driven?.plan.state;
      if (state === "running" || state === "paused" || state === "soaking")
        throw new ProblemError(
          "conflict",
          `the shift of ${String(this.driven?.plan.experienceId)} is ${state}: abort it first`,
        );
      const { clock, leads } = this.deps;
      await this.write(planOf(wish, clock.now(), leads().epoch), { mustBeWritten: true });
    });
  }

  /** @throws {ProblemError} shiftUnknown, conflict, unavailable */
  async act(action: ShiftAction, by: string): Promise<void> {
    await this.turn(async () => {
      await this.load();
      if (this.driven === undefined)
        throw new ProblemError("shiftUnknown", "nobody has planned a shift in this region");
      try {
        const next = act(this.driven.plan, action, by, this.deps.clock.now());
        // The way back takes effect here whether or not it can be written at once.
        await this.write(next, { mustBeWritten: action !== "abort" });
      } catch (error) {
        if (error instanceof ShiftRefused) throw new ProblemError("conflict", error.message);
        throw error;
      }
    });
  }

  /**
   * Gives a new match to whose turn it is; where that side has none, to the other, so that none is lost. The same matchId
   * again, at this leader, gets the same answer. Undefined where no plan is in force for the experience.
   * @param forge places it at Forge; throws where it cannot
   */
  allocate<T>(match: Match, forge: () => Promise<T>): Promise<Shifted<T>> | undefined {
    const { leader } = this.deps.leads();
    if (!leader) return undefined;
    if (this.isLoaded()) return this.allocateNow(match, forge);
    // Just begun to lead: until it has read whether there is a plan, it does not know whose turn it is.
    return this.turn(() => this.load()).then(
      () => this.allocateNow(match, forge) ?? forge().then((answer) => ({ source: "forge", answer })),
    );
  }

  private allocateNow<T>(match: Match, forge: () => Promise<T>): Promise<Shifted<T>> | undefined {
    const { driven } = this;
    if (driven === undefined || driven.plan.experienceId !== match.experienceId || driven.plan.share === undefined)
      return undefined;
    return this.sharing.allocate(driven, match, forge);
  }

  /** A player of the experience lost their session at Forge. */
  addLost(experienceId: string): void {
    if (this.driven?.plan.experienceId === experienceId) this.driven.counts.addLost();
  }

  private async tick(): Promise<void> {
    // The plan is the leader's: a standby has nothing to look at, and nothing to say of it.
    if (this.deps.leads().leader) await this.lookOrTell();
    if (!this.closed) this.cancel = this.deps.clock.after(TICK_MS, () => void this.tick());
  }

  private async lookOrTell(): Promise<void> {
    try {
      await this.turn(async () => {
        await this.load();
        await this.look();
      });
    } catch (error) {
      this.deps.log.warn({ err: error }, "the shift could not be looked at; it stays as it is");
    }
  }

  private async look(): Promise<void> {
    const { driven } = this;
    if (driven === undefined) return;
    const { plan, counts, shares, isWritten } = driven;
    if (!isWritten) await this.write(plan, { mustBeWritten: false });
    if (plan.state !== "running" && plan.state !== "soaking") return;
    const metric =
      plan.metric === undefined ? {} : { metric: await this.deps.metric(plan.metric.url, plan.metric.query) };
    const next = judge(plan, { ...counts.sample(), ...metric }, this.deps.clock.now());
    if (next !== plan) await this.write(next, { mustBeWritten: next.state !== "aborted" });
    else if (shares.count !== plan.counted)
      await this.write({ ...plan, counted: shares.count }, { mustBeWritten: false });
  }

  private isLoaded(): boolean {
    const { leader, epoch } = this.deps.leads();
    return leader && epoch === this.loadedEpoch;
  }

  /** Takes the plan over at the beginning of an epoch: what a step had measured is gone, so it begins anew. */
  private async load(): Promise<void> {
    const { leader, epoch } = this.deps.leads();
    if (!leader) throw new ProblemError("notLeader", "this controller does not lead its region");
    if (epoch === this.loadedEpoch) return;
    const stored = await this.stored.read();
    if (stored !== undefined) {
      const { plan } = stored;
      if (plan.epoch > epoch) throw new ProblemError("notLeader", "a later leader has written the shift's plan");
      const isUnderWay = plan.state === "running";
      const taken = { ...plan, epoch, ...(isUnderWay ? { sinceMs: this.deps.clock.now() } : {}) };
      this.driven = {
        plan: taken,
        revision: stored.revision,
        shares: sharesOf(taken),
        counts: new StepCounts(),
        isWritten: false,
      };
      // Written before it is used: a leader of before is refused from here on.
      await this.write(taken, { mustBeWritten: true });
    } else this.driven = undefined;
    this.loadedEpoch = epoch;
  }

  /**
   * @param mustBeWritten false: it takes effect here even where it cannot be written, and is written later. Nothing that
   * gives Forge more does.
   */
  private async write(plan: ShiftPlan, { mustBeWritten }: { readonly mustBeWritten: boolean }): Promise<void> {
    const before = this.driven;
    const isNewStep =
      before === undefined ||
      before.plan.step !== plan.step ||
      before.plan.share !== plan.share ||
      plan.counted < before.shares.count;
    let revision: number | undefined;
    let isWritten = true;
    try {
      revision = await this.stored.write(plan, before?.revision ?? 0);
    } catch (error) {
      if (mustBeWritten) throw error;
      this.deps.log.warn({ err: error }, "the shift's plan cannot be written now");
      revision = before?.revision ?? 0;
      isWritten = false;
    }
    if (revision === undefined) {
      // Somebody else wrote it: what is there is read again before anything else.
      this.loadedEpoch = -1;
      throw new ProblemError("conflict", "the shift's plan was changed by another controller");
    }
    const fresh = isNewStep
      ? { shares: sharesOf(plan), counts: new StepCounts() }
      : { shares: before.shares, counts: before.counts };
    this.driven = { plan, revision, isWritten, ...fresh };
    if (before?.plan.state !== plan.state || before.plan.step !== plan.step)
      this.deps.log.info({ state: plan.state, step: plan.step, share: plan.share, reason: plan.reason }, "shift");
  }

  /** One change at a time. */
  private turn(work: () => Promise<void>): Promise<void> {
    const result = this.busy.then(work);
    this.busy = result.catch(() => undefined);
    return result;
  }
}

function sharesOf({ share = 0, counted }: ShiftPlan): ShareOut {
  return new ShareOut(share, counted);
}
