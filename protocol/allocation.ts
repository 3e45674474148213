/**
 * What an Agones allocation asks of a server and does to it, as controller and agent say it to each other. Names and
 * bounds are those of Agones' GameServerAllocation (`spec.selectors`, `spec.counters`, `spec.lists`).
 */

/** What a counter must be like; a maximum of 0 means none. */
export interface CounterCondition {
  readonly minCount: number;
  readonly maxCount: number;
  /** Of capacity − count. */
  readonly minAvailable: number;
  readonly maxAvailable: number;
}

/** What a list must be like; a maximum of 0 means none, and so does an empty value. */
export interface ListCondition {
  readonly containsValue: string;
  /** Of capacity − values. */
  readonly minAvailable: number;
  readonly maxAvailable: number;
}

export interface CountConditions {
  readonly counters: Readonly<Record<string, CounterCondition>>;
  readonly lists: Readonly<Record<string, ListCondition>>;
}

/** First the capacity is set, then the count is changed, within 0 and the capacity. */
export interface CounterAction {
  readonly action?: "Increment" | "Decrement" | undefined;
  readonly amount?: number | undefined;
  readonly capacity?: number | undefined;
}

/** First the capacity is set, then values are added that are not there, as many as fit, then values are taken out. */
export interface ListAction {
  readonly capacity?: number | undefined;
  readonly addValues?: readonly string[] | undefined;
  readonly deleteValues?: readonly string[] | undefined;
}

export interface CountActions {
  readonly counters: Readonly<Record<string, CounterAction>>;
  readonly lists: Readonly<Record<string, ListAction>>;
}

/** The whole server for one who names no players; see `allocate` in `messages.ts`. */
export interface AllocateOrder {
  readonly matchId: string;
  /** `ready`: it must be free and is claimed. `allocated`: it must be allocated already, and stays what it is. */
  readonly from: "ready" | "allocated";
  /** Put on the server, over what it has. */
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Checked at the agent once more: between choosing and asking another may have changed them. */
  readonly require: CountConditions;
  readonly change: CountActions;
}
