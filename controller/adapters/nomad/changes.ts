/** Lets others wait for the next change of a server. */
export class Changes {
  private readonly waiting = new Map<string, Set<() => void>>();
  private closed = false;

  happened(serverId: string): void {
    const waiting = this.waiting.get(serverId);
    this.waiting.delete(serverId);
    for (const wake of waiting ?? []) wake();
  }

  /** Resolves at the next change, when `signal` aborts, or when nothing will change any more. */
  next(serverId: string, signal: AbortSignal | undefined): Promise<void> {
    if (this.closed || signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const waiting = this.waiting.get(serverId) ?? new Set();
      const wake = (): void => {
        signal?.removeEventListener("abort", abort);
        resolve();
      };
      const abort = (): void => {
        waiting.delete(wake);
        wake();
      };
      waiting.add(wake);
      this.waiting.set(serverId, waiting);
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  close(): void {
    this.closed = true;
    for (const serverId of [...this.waiting.keys()]) this.happened(serverId);
  }

  get isClosed(): boolean {
    return this.closed;
  }
}
