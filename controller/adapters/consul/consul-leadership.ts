import type { Clock } from "../../../protocol/clock";
import type { Leadership, LeadershipChange } from "../../leadership";
import { LockLost, type LeaderLock } from "./leader-lock";
import {
  certainUntilMs,
  changesAtMs,
  outside,
  standing,
  step,
  type Candidacy,
  type LockEvent,
  type LockWish,
  type Standing,
} from "./lock-state";

export interface ConsulLeadershipDeps {
  readonly controllerId: string;
  readonly lock: LeaderLock;
  readonly clock: Clock;
  /** 0 to 1, for jitter. */
  readonly random: () => number;
  /** The highest epoch that any connected agent follows. */
  readonly seenEpoch: () => number;
  /** Told when Consul stops answering, and when it answers again. */
  readonly onTrouble: (problem: string | undefined) => void;
}

/** A check fails after 1.6 s: four of five feeds may be late or lost. */
const PULSE_MS = 300;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5000;

/**
 * Leadership by a lock in Consul. The state machine decides; this feeds it with time and with what Consul answers, does
 * what it wishes, one call of a kind at a time, and tells the controller where it stands.
 */
export class ConsulLeadership implements Leadership {
  private state: Candidacy;
  private told: Standing | undefined;
  private onChange: (change: LeadershipChange) => void = () => undefined;
  private readonly underWay = new Set<string>();
  private cancelPulse: () => void = () => undefined;
  private cancelChange: () => void = () => undefined;
  private endWatch: () => void = () => undefined;
  private failures = 0;
  private notBeforeMs = -Infinity;
  private trouble: string | undefined;
  private closed = false;

  constructor(private readonly deps: ConsulLeadershipDeps) {
    this.state = outside(deps.controllerId);
  }

  /** Resolves at once: where Consul is away, this controller is a standby until it answers. */
  start(onChange: (change: LeadershipChange) => void): Promise<void> {
    this.onChange = onChange;
    this.tell();
    this.endWatch = this.deps.lock.watch(() => this.look());
    this.pulse();
    return Promise.resolve();
  }

  certainUntilMs(): number {
    return certainUntilMs(this.state);
  }

  outrun(seenEpoch: number): void {
    this.take({ type: "seen", epoch: seenEpoch });
  }

  /** Hands over: leads no more, then gives the lock free, so that a standby has it at once. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.cancelPulse();
    this.cancelChange();
    this.endWatch();
    const { lock } = this.state;
    this.state = { ...outside(this.deps.controllerId), epoch: this.state.epoch };
    this.tell();
    if (lock.kind !== "outside") await this.deps.lock.endSession(lock.session).catch(() => undefined);
  }

  private take(event: LockEvent): void {
    if (this.closed) return;
    const nowMs = this.deps.clock.now();
    // What time alone has changed is told before what this event changes.
    this.tell();
    const { state, wishes } = step(this.state, event, nowMs);
    this.state = state;
    this.tell();
    for (const wish of wishes) this.fulfil(wish);
  }

  private tell(): void {
    const { clock } = this.deps;
    const nowMs = clock.now();
    const now = standing(this.state, nowMs);
    this.cancelChange();
    const nextMs = changesAtMs(this.state, nowMs);
    if (nextMs < Infinity && !this.closed)
      this.cancelChange = clock.after(nextMs - nowMs, () => this.take({ type: "time" }));
    if (this.told && same(this.told, now)) return;
    this.told = now;
    this.onChange(changeOf(now));
  }

  private pulse(): void {
    if (this.closed) return;
    this.cancelPulse = this.deps.clock.after(PULSE_MS, () => this.pulse());
    const { lock } = this.state;
    if (lock.kind === "outside") this.take({ type: "time" });
    else {
      // The look after it proves that the feed came in time.
      void this.once("feed", async (startedMs) => {
        await this.deps.lock.feed();
        this.take({ type: "fed", startedMs });
        this.look();
      });
    }
    if (lock.kind !== "leading") this.look();
  }

  private look(): void {
    void this.once("look", async (startedMs) => {
      const { fedMs } = this.state;
      const view = await this.deps.lock.look();
      this.take({ type: "seen", epoch: this.deps.seenEpoch() });
      this.take({ type: "lock", startedMs, fedMs, ...view });
    });
  }

  private fulfil(wish: LockWish): void {
    const { lock } = this.deps;
    switch (wish.type) {
      case "makeSession":
        void this.once("makeSession", async (startedMs) => {
          const session = await lock.makeSession();
          if (this.closed) return lock.endSession(session);
          this.take({ type: "session", session, startedMs });
          this.look();
        });
        return;
      case "acquire":
        void this.once("acquire", async (startedMs) => {
          const { fedMs } = this.state;
          if (!(await lock.acquire(wish.session))) return;
          this.take({ type: "acquired", session: wish.session, startedMs, fedMs });
        });
        return;
      case "raise":
        void this.once("raise", async (startedMs) => {
          const { fedMs } = this.state;
          const epoch = await lock.raise(wish.session, wish.above, wish.keep);
          this.take({ type: "raised", session: wish.session, epoch, startedMs, fedMs });
        });
        return;
      case "endSession":
        // If this fails the check's end will end it.
        lock.endSession(wish.session).catch(() => undefined);
    }
  }

  /** One call of a kind at a time: what is left out is wished again at the next pulse, while it is still needed. */
  private async once(kind: string, call: (startedMs: number) => Promise<void>): Promise<void> {
    const startedMs = this.deps.clock.now();
    if (this.closed || this.underWay.has(kind)) return;
    if (kind === "makeSession" && startedMs < this.notBeforeMs) return;
    const { lock } = this.state;
    this.underWay.add(kind);
    try {
      await call(startedMs);
      this.failures = 0;
      this.answered(undefined);
    } catch (error) {
      if (kind === "makeSession") this.pause();
      if (!(error instanceof LockLost)) this.answered((error as Error).message);
      else if (lock.kind !== "outside") this.take({ type: "sessionGone", session: lock.session });
    } finally {
      this.underWay.delete(kind);
    }
  }

  private pause(): void {
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.failures, 10));
    this.failures += 1;
    this.notBeforeMs = this.deps.clock.now() + longest * (0.5 + this.deps.random() / 2);
  }

  private answered(problem: string | undefined): void {
    if ((problem === undefined) === (this.trouble === undefined) || this.closed) return;
    this.trouble = problem;
    this.deps.onTrouble(problem);
  }
}

function changeOf(now: Standing): LeadershipChange {
  if (now.role !== "standby") return { leader: true, epoch: now.epoch, holding: now.role === "holding" };
  const { leader, epoch } = now;
  return { leader: false, epoch, ...(leader && { leaderUrl: leader.url }) };
}

function same(a: Standing, b: Standing): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
