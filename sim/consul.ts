import { LockLost, type LockView } from "../controller/adapters/consul/leader-lock";
import { CHECK_MS, type LeaderName } from "../controller/adapters/consul/lock-state";
import type { Network } from "./network";

/**
 * Consul as far as leading needs it: one lock a region with lock delay 0, held by a session that ends when its check is not
 * fed, and the epoch, raised in one step with a look at the lock.
 */
export class VirtualConsul {
  private epoch = 0;
  private holder: { readonly session: string; readonly leader: LeaderName } | undefined;
  private readonly fedMs = new Map<string, number>();
  private sessions = 0;

  constructor(
    readonly host: string,
    private readonly network: Network,
  ) {}

  makeSession(who: string): string {
    const session = `${who}/${String((this.sessions += 1))}`;
    this.fedMs.set(session, this.network.schedule.nowMs);
    return session;
  }

  feed(who: string): void {
    this.expire();
    for (const session of this.fedMs.keys())
      if (session.startsWith(`${who}/`)) this.fedMs.set(session, this.network.schedule.nowMs);
  }

  look(): LockView {
    this.expire();
    return { holder: this.holder?.session, leader: this.holder?.leader };
  }

  acquire(session: string, leader: LeaderName): boolean {
    this.expire();
    if (!this.fedMs.has(session)) throw new LockLost("no such session");
    if (this.holder && this.holder.session !== session) return false;
    this.holder = { session, leader };
    return true;
  }

  raise(session: string, above: number, keep: number | undefined): number {
    this.expire();
    if (this.holder?.session !== session) throw new LockLost("the lock is another's");
    if (keep === undefined || keep !== this.epoch) this.epoch = Math.max(above, this.epoch) + 1;
    return this.epoch;
  }

  endSession(session: string): void {
    this.fedMs.delete(session);
    if (this.holder?.session === session) this.holder = undefined;
  }

  /** The holder's session is gone, as when somebody ends it by hand. */
  invalidate(): void {
    if (this.holder) this.endSession(this.holder.session);
  }

  get leader(): string | undefined {
    this.expire();
    return this.holder?.session;
  }

  private expire(): void {
    const { nowMs } = this.network.schedule;
    for (const [session, fedMs] of this.fedMs) if (nowMs >= fedMs + CHECK_MS) this.endSession(session);
  }
}
