import type {
  CountActions,
  CountConditions,
  CounterAction,
  CounterCondition,
  ListAction,
  ListCondition,
} from "./allocation";
import type { CountedList, Counter, Counts } from "./counts";

/** Of a list, as Agones has it. */
const MAX_LIST_CAPACITY = 1000;

/** Counters and lists by name, as far as allocations look at them. */
export type CountTable = Pick<Counts, "counters" | "lists">;

/**
 * Whether all counters and lists that are named are there and are as asked.
 * Source: Agones, `pkg/apis/allocation/v1/gameserverallocation.go`, `matchCounters` and `matchLists`.
 */
export function meets(there: CountTable, { counters, lists }: CountConditions): boolean {
  return (
    Object.entries(counters).every(([name, condition]) => counterMeets(own(there.counters, name), condition)) &&
    Object.entries(lists).every(([name, condition]) => listMeets(own(there.lists, name), condition))
  );
}

function counterMeets(counter: Counter | undefined, condition: CounterCondition): boolean {
  if (!counter) return false;
  const { minCount, maxCount, minAvailable, maxAvailable } = condition;
  return within(counter.count, minCount, maxCount) && within(availableIn(counter), minAvailable, maxAvailable);
}

function listMeets(list: CountedList | undefined, condition: ListCondition): boolean {
  if (!list) return false;
  const { containsValue, minAvailable, maxAvailable } = condition;
  if (!within(roomIn(list), minAvailable, maxAvailable)) return false;
  return containsValue === "" || list.values.includes(containsValue);
}

/** 0 as the maximum is none. */
function within(value: number, least: number, most: number): boolean {
  return value >= least && (most === 0 || value <= most);
}

export function availableIn({ capacity, count }: Counter): number {
  return capacity - count;
}

export function roomIn({ capacity, values }: CountedList): number {
  return capacity - values.length;
}

/**
 * The table after an allocation's actions. What cannot be done is left undone and the rest is done, as Agones does:
 * a name that the server does not have, a capacity out of bounds. A count is cut off at 0 and at its capacity, a list
 * at its capacity.
 * Source: Agones, `pkg/apis/agones/v1/gameserver.go`, `UpdateCount`, `AppendListValues` and those beside them.
 */
export function changed(there: CountTable, { counters, lists }: CountActions): CountTable {
  const after = { counters: { ...there.counters }, lists: { ...there.lists } };
  for (const [name, action] of Object.entries(counters)) {
    const counter = own(there.counters, name);
    if (counter) after.counters[name] = changedCounter(counter, action);
  }
  for (const [name, action] of Object.entries(lists)) {
    const list = own(there.lists, name);
    if (list) after.lists[name] = changedList(list, action);
  }
  return after;
}

/** Names come from outside: `__proto__` is a name like any other. */
function own<Value>(table: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function changedCounter(counter: Counter, { action, amount, capacity: wanted }: CounterAction): Counter {
  const capacity = wanted !== undefined && wanted >= 0 ? wanted : counter.capacity;
  const by = action === undefined || amount === undefined || amount < 0 ? 0 : action === "Increment" ? amount : -amount;
  return { count: Math.max(0, Math.min(capacity, Math.min(capacity, counter.count) + by)), capacity };
}

function changedList(
  list: CountedList,
  { capacity: wanted, addValues = [], deleteValues = [] }: ListAction,
): CountedList {
  const fits = wanted !== undefined && wanted >= 0 && wanted <= MAX_LIST_CAPACITY;
  const capacity = fits ? wanted : list.capacity;
  const values = [...new Set([...list.values.slice(0, capacity), ...addValues])].slice(0, capacity);
  const gone = new Set(deleteValues);
  return { capacity, values: gone.size === 0 ? values : values.filter((value) => !gone.has(value)) };
}
