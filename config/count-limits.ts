/** Bounds of what a server counts beside its seats. Those of capacities are Agones' own, from its CRDs. */

/** Of counters and of lists on one server. */
export const MAX_COUNTS = 64;
export const MAX_LIST_CAPACITY = 1000;
/** Capacity of a counter or list that names none. */
export const DEFAULT_COUNT_CAPACITY = 1000;
/** What the values of all lists of a server may take: Agones is bounded by its store, we by the size of a message. */
export const MAX_LIST_BYTES = 256 * 1024;
