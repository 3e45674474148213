import type { EventSource, StoredEvent } from "./api/backend";
import type { ForgeEvent } from "./core/resources";

export interface EventLogOptions {
  /** Epoch of the leader whose events these are. */
  readonly epoch: number;
  /** How many events are kept; 10,000 where not given. */
  readonly capacity?: number;
  /** Told of listeners that throw: one broken listener keeps no event from the others. */
  readonly onListenerError?: (error: unknown) => void;
}

interface Position {
  readonly epoch: number;
  readonly seq: number;
}

/**
 * The last events of this region's controller, numbered `EPOCH-SEQ`. SEQ goes on through changes of epoch within one
 * process; a new process has a higher epoch, so no id is ever given twice.
 */
export class EventLog implements EventSource {
  readonly #capacity: number;
  readonly #onListenerError: (error: unknown) => void;
  readonly #listeners = new Set<(stored: StoredEvent) => void>();
  /** A ring: the event with number `seq` is at `seq % capacity`. */
  readonly #ring: (StoredEvent & Position)[] = [];
  #epoch: number;
  /** What a reader may have seen before the oldest event held: nothing yet, or the event dropped last. */
  #before: Position;
  #last: Position;

  constructor({ epoch, capacity = 10_000, onListenerError = () => undefined }: EventLogOptions) {
    if (!(capacity >= 1)) throw new RangeError(`an event log keeps at least 1 event, not ${capacity}`);
    this.#capacity = Math.floor(capacity);
    this.#onListenerError = onListenerError;
    this.#epoch = epoch;
    this.#before = { epoch, seq: 0 };
    this.#last = this.#before;
  }

  /** Events from now on carry this epoch. */
  setEpoch(epoch: number): void {
    this.#epoch = epoch;
    if (this.#ring.length > 0) return;
    this.#before = { epoch, seq: 0 };
    this.#last = this.#before;
  }

  append(event: ForgeEvent): StoredEvent {
    const epoch = this.#epoch;
    const seq = this.#last.seq + 1;
    const slot = seq % this.#capacity;
    const dropped = this.#ring[slot];
    if (dropped) this.#before = dropped;
    const stored = { epoch, seq, id: `${epoch}-${seq}`, event };
    this.#ring[slot] = stored;
    this.#last = stored;
    for (const listener of this.#listeners) this.#tell(listener, stored);
    return stored;
  }

  /**
   * Without `lastId` no events, only where the log ends now. With one, the events after it; `reset` where that is too
   * long ago, not of an epoch held here, or no id at all: the reader then has to read the state anew.
   */
  since(lastId: string | undefined): ReturnType<EventSource["since"]> {
    const end = idOf(this.#last);
    if (lastId === undefined) return { reset: false, events: [], lastId: end };
    const from = parseId(lastId);
    if (!from || !this.#holds(from)) return { reset: true, events: [], lastId: end };
    const events: StoredEvent[] = [];
    for (let seq = from.seq + 1; seq <= this.#last.seq; seq += 1) {
      const stored = this.#ring[seq % this.#capacity];
      if (stored) events.push(stored);
    }
    return { reset: false, events, lastId: end };
  }

  subscribe(listener: (stored: StoredEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #holds(position: Position): boolean {
    if (same(position, this.#before)) return true;
    const stored = this.#ring[position.seq % this.#capacity];
    return stored !== undefined && same(position, stored);
  }

  #tell(listener: (stored: StoredEvent) => void, stored: StoredEvent): void {
    try {
      listener(stored);
    } catch (error) {
      this.#onListenerError(error);
    }
  }
}

function idOf({ epoch, seq }: Position): string {
  return `${epoch}-${seq}`;
}

function parseId(id: string): Position | undefined {
  const match = /^(\d{1,15})-(\d{1,15})$/.exec(id);
  return match ? { epoch: Number(match[1]), seq: Number(match[2]) } : undefined;
}

function same(a: Position, b: Position): boolean {
  return a.epoch === b.epoch && a.seq === b.seq;
}
