import { MAX_LIST_BYTES, MAX_LIST_CAPACITY } from "../../config/count-limits";
import type { CountedList, Counter, Counts } from "../../protocol/counts";
import { applyCounts, NO_COUNTS, type CountsRecord } from "./counts-record";

/** Why a change was refused; `detail` in the words of Agones' SDK server, which clients may look at. */
export interface CountProblem {
  readonly ok: false;
  readonly problem: "notFound" | "outOfRange" | "alreadyExists" | "invalid";
  readonly detail: string;
}
export type Counted<Value> = { readonly ok: true; readonly value: Value } | CountProblem;

/** Each that is given is set, `diff` added last. Integers. */
export interface CounterChange {
  readonly count?: number | undefined;
  readonly capacity?: number | undefined;
  readonly diff?: number | undefined;
}

export interface ListChange {
  readonly capacity?: number | undefined;
  readonly values?: readonly string[] | undefined;
}

/** A gate has so many calls of one server waiting at most, and no other may come again. */
const KEPT_CALLS = 256;

/** Names of what a controller has not been told of yet. */
export interface ChangedCounts {
  readonly counters: Readonly<Record<string, Counter>>;
  readonly lists: Readonly<Record<string, CountedList>>;
  readonly tracked: CountedList | undefined;
}

/**
 * The counters, lists and tracked players of one server, changed only here. Rules and words are those of Agones'
 * `pkg/sdkserver/sdkserver.go`; where it batches changes for a second, a change here counts at once.
 */
export class CountBook {
  counts: Counts;
  /** Calls that counters were changed by, the last ones: one of them may come again, from an agent that did not live to answer. */
  private readonly done = new Set<string>();
  private readonly changed = { counters: new Set<string>(), lists: new Set<string>(), tracked: false };

  /**
   * @param onRecord told of each change just before it is applied, with what takes it back
   * @param onChanged told after it
   */
  constructor(
    initial: Partial<Counts>,
    private readonly onRecord: (record: CountsRecord, takeBack: () => void) => void,
    private readonly onChanged: () => void,
  ) {
    this.counts = { ...NO_COUNTS, ...initial };
  }

  counter(name: string): Counted<Counter> {
    return found(own(this.counts.counters, name), `counter not found: ${name}`);
  }

  list(name: string): Counted<CountedList> {
    return found(own(this.counts.lists, name), `list not found: ${name}`);
  }

  /** @param call who asks; where that was carried out before, the counter is answered as it is */
  updateCounter(name: string, { count, capacity, diff = 0 }: CounterChange, call?: string): Counted<Counter> {
    const present = this.counter(name);
    if (!present.ok || (call !== undefined && this.done.has(call))) return present;
    const next = { ...present.value };
    if (capacity !== undefined) {
      if (!isCount(capacity)) {
        return outOfRange(`Capacity must be greater than or equal to 0. Found Capacity: ${capacity}`);
      }
      next.capacity = capacity;
    }
    if (count !== undefined) {
      next.count = count;
      if (!fits(next)) return countOutOfRange(next);
    }
    if (diff !== 0) {
      next.count += diff;
      if (!fits(next)) return countOutOfRange(next);
    }
    // A capacity below the count takes the count along.
    next.count = Math.min(next.count, next.capacity);
    this.record({ kind: "counter", name, counter: next, ...(call === undefined ? {} : { call }) });
    return { ok: true, value: next };
  }

  /** Values that stay keep their order, new ones go behind them; beyond the capacity they are cut off. */
  updateList(name: string, { capacity, values }: ListChange): Counted<CountedList> {
    if (capacity !== undefined && !(isCount(capacity) && capacity <= MAX_LIST_CAPACITY)) {
      return outOfRange(`Capacity must be within range [0,${MAX_LIST_CAPACITY}]. Found Capacity: ${capacity}`);
    }
    const present = this.list(name);
    if (!present.ok) return present;
    const size = capacity ?? present.value.capacity;
    const next = { capacity: size, values: replaced(present.value.values, values).slice(0, size) };
    const bytes = this.bytesWith(name, next.values);
    if (bytes > MAX_LIST_BYTES) return tooLarge(bytes);
    this.record({ kind: "list", name, list: next });
    return { ok: true, value: next };
  }

  addValue(name: string, value: string): Counted<CountedList> {
    const present = this.list(name);
    if (!present.ok) return present;
    const { capacity, values } = present.value;
    if (values.length >= capacity) {
      return outOfRange(`No available capacity. Current Capacity: ${capacity}, List Size: ${values.length}`);
    }
    if (values.includes(value)) {
      return {
        ok: false,
        problem: "alreadyExists",
        detail: `already exists. Value: ${value} already in List: ${name}`,
      };
    }
    const bytes = this.bytesWith(name, [...values, value]);
    if (bytes > MAX_LIST_BYTES) return tooLarge(bytes);
    this.record({ kind: "added", name, value });
    return this.list(name);
  }

  removeValue(name: string, value: string): Counted<CountedList> {
    const present = this.list(name);
    if (!present.ok) return present;
    if (!present.value.values.includes(value)) {
      return { ok: false, problem: "notFound", detail: `not found: value ${value} not in list ${name}` };
    }
    this.record({ kind: "removed", name, value });
    return this.list(name);
  }

  /** @returns false where the player is on already */
  playerConnect(playerId: string): Counted<boolean> {
    const { capacity, values } = this.players;
    if (values.includes(playerId)) return { ok: true, value: false };
    if (values.length >= capacity)
      return { ok: false, problem: "outOfRange", detail: "players are already at capacity" };
    this.record({ kind: "came", playerId });
    return { ok: true, value: true };
  }

  /** @returns false where the player was not on */
  playerDisconnect(playerId: string): boolean {
    if (!this.players.values.includes(playerId)) return false;
    this.record({ kind: "went", playerId });
    return true;
  }

  /** Players who are on stay on, also above a smaller capacity. */
  setPlayerCapacity(capacity: number): Counted<true> {
    if (!isCount(capacity))
      return outOfRange(`Capacity must be greater than or equal to 0. Found Capacity: ${capacity}`);
    this.record({ kind: "tracked", tracked: { ...this.players, capacity } });
    return { ok: true, value: true };
  }

  get players(): CountedList {
    return this.counts.tracked ?? { capacity: 0, values: [] };
  }

  /** What has changed since this was asked last; undefined where nothing has. */
  takeChanged(): ChangedCounts | undefined {
    const { counters, lists, tracked } = this.changed;
    if (counters.size + lists.size === 0 && !tracked) return undefined;
    const changed = {
      counters: picked(this.counts.counters, counters),
      lists: picked(this.counts.lists, lists),
      tracked: tracked ? this.counts.tracked : undefined,
    };
    counters.clear();
    lists.clear();
    this.changed.tracked = false;
    return changed;
  }

  get hasChanged(): boolean {
    return this.changed.counters.size + this.changed.lists.size > 0 || this.changed.tracked;
  }

  /** One record of the journal, as it was when it was written. */
  replay(record: CountsRecord): void {
    this.counts = applyCounts(this.counts, record);
    this.remember(record);
  }

  /** All of it as one record. */
  get all(): CountsRecord {
    return { kind: "all", counts: this.counts, ...(this.done.size === 0 ? {} : { calls: [...this.done] }) };
  }

  private remember(record: CountsRecord): void {
    const calls = record.kind === "all" ? record.calls : record.kind === "counter" && record.call ? [record.call] : [];
    for (const call of calls ?? []) this.done.add(call);
    for (const oldest of this.done) {
      if (this.done.size <= KEPT_CALLS) return;
      this.done.delete(oldest);
    }
  }

  private record(record: CountsRecord): void {
    const before = this.counts;
    const { call } = record.kind === "counter" ? record : {};
    this.onRecord(record, () => {
      this.counts = before;
      if (call !== undefined) this.done.delete(call);
    });
    this.counts = applyCounts(before, record);
    this.remember(record);
    if (record.kind === "counter") this.changed.counters.add(record.name);
    else if ("name" in record) this.changed.lists.add(record.name);
    else this.changed.tracked = true;
    this.onChanged();
  }

  private bytesWith(name: string, values: readonly string[]): number {
    let bytes = 0;
    for (const list of Object.values({ ...this.counts.lists, [name]: { values } })) {
      for (const value of list.values) bytes += Buffer.byteLength(value);
    }
    return bytes;
  }
}

function found<Value>(value: Value | undefined, detail: string): Counted<Value> {
  return value === undefined ? { ok: false, problem: "notFound", detail } : { ok: true, value };
}

/** Names come from game servers: `constructor` is none of ours. */
function own<Value>(of: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(of, name) ? of[name] : undefined;
}

function picked<Value>(
  of: Readonly<Record<string, Value>>,
  names: ReadonlySet<string>,
): Readonly<Record<string, Value>> {
  return Object.fromEntries(Object.entries(of).filter(([name]) => names.has(name)));
}

function replaced(present: readonly string[], wanted: readonly string[] | undefined): readonly string[] {
  if (wanted === undefined) return present;
  const keep = new Set(wanted);
  return [...new Set([...present.filter((value) => keep.has(value)), ...wanted])];
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function fits({ count, capacity }: Counter): boolean {
  return isCount(count) && count <= capacity;
}

function countOutOfRange({ count, capacity }: Counter): CountProblem {
  return outOfRange(`Count must be within range [0,Capacity]. Found Count: ${count}, Capacity: ${capacity}`);
}

function outOfRange(detail: string): CountProblem {
  return { ok: false, problem: "outOfRange", detail: `out of range. ${detail}` };
}

function tooLarge(bytes: number): CountProblem {
  return outOfRange(`The values of all lists would take ${bytes} bytes, ${MAX_LIST_BYTES} are allowed`);
}
