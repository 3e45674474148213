import { LockLost, type LockView } from "../controller/adapters/consul/leader-lock";
import { CHECK_MS, type LeaderName } from "../controller/adapters/consul/lock-state";
import type { Network } from "./network";

/**
 * Consul as far as leading needs it: one lock a region with lock delay 0, held by a session that ends when its check is not
 * fed, the epoch, raised in one step with a look at the lock, and one key for what leaders keep.
 */
export class VirtualConsul {
  private epoch = 0;
  private holder: { readonly session: string; readonly leader: LeaderName } | undefined;
  private readonly fedMs = new Map<string, number>();
  private sessions = 0;
  private stored: { readonly text: string; readonly index: number } | undefined;
  /** Told of each write that was taken, and of what it took the place of. */
  onKept: (text: string, before: string | undefined) => void = () => undefined;

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

  /** What leaders keep, as it stands. */
  get kept(): string | undefined {
    return this.stored?.text;
  }

  /** The key, as Consul's KV answers. */
  get(): readonly { readonly Value: string; readonly ModifyIndex: number }[] | undefined {
    if (!this.stored) return undefined;
    const { text, index } = this.stored;
    return [{ Value: Buffer.from(text).toString("base64"), ModifyIndex: index }];
  }

  /** By check-and-set: false where somebody has written since `index`. */
  put(text: string, index: number): boolean {
    const before = this.stored;
    if (index !== (before?.index ?? 0)) return false;
    this.stored = { text, index: index + 1 };
    this.onKept(text, before?.text);
    return true;
  }

  private expire(): void {
    const { nowMs } = this.network.schedule;
    for (const [session, fedMs] of this.fedMs) if (nowMs >= fedMs + CHECK_MS) this.endSession(session);
  }
}
