import type { CountedList, Counter, Counts } from "../../protocol/counts";

/** A change of a server's counts as the journal holds it: values, so that applying one decides nothing. */
export type CountsRecord =
  /** `call`: that asked for it, so that it is not carried out again when it comes again. */
  | {
      readonly kind: "counter";
      readonly name: string;
      readonly counter: Counter;
      readonly call?: string | undefined;
    }
  | { readonly kind: "list"; readonly name: string; readonly list: CountedList }
  /** At the end of the list. */
  | { readonly kind: "added"; readonly name: string; readonly value: string }
  | { readonly kind: "removed"; readonly name: string; readonly value: string }
  | { readonly kind: "tracked"; readonly tracked: CountedList }
  | { readonly kind: "came"; readonly playerId: string }
  | { readonly kind: "went"; readonly playerId: string }
  /** `calls`: the last that were carried out, as `call` names them. */
  | { readonly kind: "all"; readonly counts: Counts; readonly calls?: readonly string[] | undefined };

export const NO_COUNTS: Counts = { counters: {}, lists: {}, tracked: undefined };
const NO_LIST: CountedList = { capacity: 0, values: [] };

/** The counts after a record. */
export function applyCounts(counts: Counts, record: CountsRecord): Counts {
  switch (record.kind) {
    case "counter":
      return { ...counts, counters: { ...counts.counters, [record.name]: record.counter } };
    case "list":
      return withList(counts, record.name, record.list);
    case "added":
      return withList(counts, record.name, plus(counts.lists[record.name], record.value));
    case "removed":
      return withList(counts, record.name, minus(counts.lists[record.name], record.value));
    case "tracked":
      return { ...counts, tracked: record.tracked };
    case "came":
      return { ...counts, tracked: plus(counts.tracked, record.playerId) };
    case "went":
      return { ...counts, tracked: minus(counts.tracked, record.playerId) };
    case "all":
      return record.counts;
  }
}

function withList(counts: Counts, name: string, list: CountedList): Counts {
  return { ...counts, lists: { ...counts.lists, [name]: list } };
}

function plus({ capacity, values }: CountedList = NO_LIST, value: string): CountedList {
  return { capacity, values: [...values, value] };
}

function minus({ capacity, values }: CountedList = NO_LIST, value: string): CountedList {
  return { capacity, values: values.filter((other) => other !== value) };
}
