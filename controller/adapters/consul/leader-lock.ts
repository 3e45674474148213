import type { LeaderName } from "./lock-state";

/** Consul has answered, and the answer is no: the session, the check or the lock is not there, or not ours. */
export class LockLost extends Error {
  constructor(message: string) {
    super(message);
    this.name = "LockLost";
  }
}

export interface LockView {
  /** The session that has the lock. */
  readonly holder: string | undefined;
  readonly leader: LeaderName | undefined;
}

/**
 * The lock of a region as its candidates use it. Every call is bounded in time and rejects where Consul is away; only
 * `LockLost` says that something is not so any more.
 */
export interface LeaderLock {
  /** Makes the check that a stalled process fails, feeds it, and makes a session that ends with it. */
  makeSession(): Promise<string>;
  /** @throws {LockLost} where the check is not there */
  feed(): Promise<void>;
  /** As the leading Consul server has it, not as it was. */
  look(): Promise<LockView>;
  /** @returns whether the session has the lock now. @throws {LockLost} where the session is not there */
  acquire(session: string): Promise<boolean>;
  /**
   * In one step with a look at the lock: the next epoch above `above` and whatever was used, or `keep` where that is still
   * the last one used.
   * @throws {LockLost} where the session does not have the lock
   */
  raise(session: string, above: number, keep: number | undefined): Promise<number>;
  /** Gives the lock free and ends the session. */
  endSession(session: string): Promise<void>;
  /** Calls back whenever the lock may have changed hands; the result ends that. */
  watch(onChange: () => void): () => void;
}
