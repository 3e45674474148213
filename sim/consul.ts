import type { Network } from "./network";

export interface LockReply {
  readonly held: boolean;
  /** The epoch in KV. */
  readonly epoch: number;
}

/** How long a session lives without being renewed, in milliseconds; DESIGN: tied to a check that a stalled process fails. */
export const SESSION_MS = 4000;

/**
 * Consul as far as leading needs it: one lock a region, held by a session that has to be renewed, with lock delay 0, and
 * the epoch, changed by compare-and-set under the lock.
 */
export class VirtualConsul {
  epoch = 0;
  private holder: string | undefined;
  private until = -Infinity;

  constructor(
    readonly host: string,
    private readonly network: Network,
  ) {}

  /** Takes the lock, or renews it. */
  acquire(session: string): LockReply {
    const { nowMs } = this.network.schedule;
    if (this.holder === undefined || this.holder === session || nowMs >= this.until) {
      this.holder = session;
      this.until = nowMs + SESSION_MS;
    }
    return { held: this.holder === session, epoch: this.epoch };
  }

  /** Raises the epoch from what it was; refused without the lock, or where it has changed. */
  raise(session: string, from: number, to: number): boolean {
    if (this.holder !== session || this.network.schedule.nowMs >= this.until || this.epoch !== from) return false;
    this.epoch = to;
    return true;
  }

  release(session: string): void {
    if (this.holder === session) this.holder = undefined;
  }

  /** The session is gone, as when Consul's leader changes or a check fails for a moment. */
  invalidate(): void {
    this.holder = undefined;
  }

  get leader(): string | undefined {
    return this.network.schedule.nowMs < this.until ? this.holder : undefined;
  }
}
