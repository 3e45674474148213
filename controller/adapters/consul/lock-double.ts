import type { Clock } from "../../../protocol/clock";
import { LockLost, type LeaderLock, type LockView } from "./leader-lock";
import { CHECK_MS, type LeaderName } from "./lock-state";

/** What happens to one call: how long each way takes, and whether the answer, or the question too, is lost. */
export interface Fate {
  readonly outMs: number;
  readonly backMs: number;
  readonly lost: "nothing" | "answer" | "question";
}

const CALL_MS = 1000;
const SMOOTH: Fate = { outMs: 1, backMs: 1, lost: "nothing" };

/** TEST DOUBLE of the lock in Consul: one key, sessions that end when they are not fed, and a network of one's choice. */
export class LockDouble {
  holder: { readonly session: string; readonly leader: LeaderName } | undefined;
  epoch = 0;
  /** Who does not reach it. */
  readonly cutOff = new Set<string>();
  fate: (who: string) => Fate = () => SMOOTH;
  private readonly fedMs = new Map<string, number>();
  private readonly watchers = new Set<() => void>();
  private sessions = 0;

  constructor(private readonly clock: Clock) {}

  candidate(controllerId: string): LeaderLock {
    const leader = { controllerId, url: `http://${controllerId}` };
    const call = <T>(run: () => T): Promise<T> => this.call(controllerId, run);
    return {
      makeSession: () =>
        call(() => {
          const session = `${controllerId}/${String((this.sessions += 1))}`;
          this.fedMs.set(session, this.clock.now());
          return session;
        }),
      feed: () =>
        call(() => {
          for (const session of this.fedMs.keys())
            if (session.startsWith(`${controllerId}/`)) this.fedMs.set(session, this.clock.now());
        }),
      look: () => call((): LockView => ({ holder: this.holder?.session, leader: this.holder?.leader })),
      acquire: (session) =>
        call(() => {
          if (!this.fedMs.has(session)) throw new LockLost("no such session");
          if (this.holder && this.holder.session !== session) return false;
          this.holder = { session, leader };
          this.changed();
          return true;
        }),
      raise: (session, above, keep) =>
        call(() => {
          if (this.holder?.session !== session) throw new LockLost("the lock is another's");
          if (keep === undefined || keep !== this.epoch) this.epoch = Math.max(above, this.epoch) + 1;
          return this.epoch;
        }),
      endSession: (session) => call(() => this.end(session)),
      watch: (onChange) => {
        this.watchers.add(onChange);
        return () => this.watchers.delete(onChange);
      },
    };
  }

  /** Ends a session, as its check does, or somebody by hand. */
  end(session: string): void {
    this.fedMs.delete(session);
    if (this.holder?.session !== session) return;
    this.holder = undefined;
    this.changed();
  }

  /** Ends what was not fed. Called whenever time has passed. */
  expire(): void {
    for (const [session, fedMs] of this.fedMs) if (this.clock.now() >= fedMs + CHECK_MS) this.end(session);
  }

  private changed(): void {
    for (const watcher of this.watchers) watcher();
  }

  private call<T>(who: string, run: () => T): Promise<T> {
    const { outMs, backMs, lost } = this.fate(who);
    return new Promise((resolve, reject) => {
      const fail = (): void => reject(new Error("no answer"));
      const cancel = this.clock.after(CALL_MS, fail);
      if (lost === "question") return;
      this.clock.after(outMs, () => {
        if (this.cutOff.has(who)) return;
        this.expire();
        const answer = outcome(run, resolve, reject);
        if (lost === "answer") return;
        this.clock.after(backMs, () => {
          cancel();
          answer();
        });
      });
    });
  }
}

/** Runs it now, and tells what came of it later. */
function outcome<T>(run: () => T, resolve: (value: T) => void, reject: (reason: Error) => void): () => void {
  try {
    const value = run();
    return () => resolve(value);
  } catch (error) {
    return () => reject(error as Error);
  }
}
