/** What every channel does for its listeners: messages in order, none lost before there is a listener, one close. */
export class ChannelEnd<In> {
  private listener: ((message: In) => void) | undefined;
  private readonly waiting: In[] = [];
  private readonly closeListeners: ((reason: string) => void)[] = [];
  private reason: string | undefined;

  get closed(): boolean {
    return this.reason !== undefined;
  }

  onMessage(listener: (message: In) => void): void {
    this.listener = listener;
    if (this.waiting.length > 0) queueMicrotask(() => this.drain());
  }

  /** A listener that comes after the close is still told. */
  onClose(listener: (reason: string) => void): void {
    const { reason } = this;
    if (reason === undefined) this.closeListeners.push(listener);
    else queueMicrotask(() => listener(reason));
  }

  deliver(message: In): void {
    if (this.closed) return;
    if (this.listener && this.waiting.length === 0) this.listener(message);
    else this.waiting.push(message);
  }

  /** Returns false where it had ended before. */
  end(reason: string): boolean {
    if (this.reason !== undefined) return false;
    this.reason = reason;
    this.waiting.length = 0;
    for (const listener of this.closeListeners.splice(0)) listener(reason);
    return true;
  }

  private drain(): void {
    // The message stays in the list while it is handled, so that one that arrives meanwhile goes behind it.
    while (this.listener && this.waiting.length > 0) {
      this.listener(this.waiting[0] as In);
      this.waiting.shift();
    }
  }
}
