/** One client that watches: over gRPC, as lines over HTTP, or over a WebSocket. */
export interface WatchSink {
  /** @param taken is called once there is room for another */
  send(gameServer: unknown, taken: () => void): void;
  end(): void;
}

interface Watcher {
  readonly sink: WatchSink;
  busy: boolean;
  /** Which state it was sent last. */
  sent: unknown;
}

/**
 * Who watches one game server by Agones' SDK. What they are sent is always the whole state, so a watcher that does not
 * read costs one state in a buffer: it gets the newest when it reads again.
 */
export class AgonesWatchers {
  readonly #watchers = new Set<Watcher>();
  #state: unknown;
  #text = "";

  /** @param onCount told after each one's coming and going */
  constructor(private readonly onCount: (watchers: number) => void) {}

  get count(): number {
    return this.#watchers.size;
  }

  /** @returns what to call when it is gone */
  add(sink: WatchSink): () => void {
    const watcher: Watcher = { sink, busy: false, sent: undefined };
    this.#watchers.add(watcher);
    if (this.#state !== undefined) this.#send(watcher);
    // The agent answers with the state of now.
    this.onCount(this.#watchers.size);
    return () => {
      if (this.#watchers.delete(watcher)) this.onCount(this.#watchers.size);
    };
  }

  /** One that is as the last was goes only to those who have none yet: the agent tells again at each coming. */
  push(state: unknown): void {
    const text = JSON.stringify(state);
    if (text !== this.#text) this.#state = state;
    this.#text = text;
    for (const watcher of this.#watchers) this.#send(watcher);
  }

  /** Ends all, telling nobody: the gate was asked to. */
  endAll(): void {
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    for (const { sink } of watchers) sink.end();
  }

  #send(watcher: Watcher): void {
    if (watcher.busy || watcher.sent === this.#state) return;
    watcher.busy = true;
    watcher.sent = this.#state;
    watcher.sink.send(this.#state, () => {
      watcher.busy = false;
      this.#send(watcher);
    });
  }
}
