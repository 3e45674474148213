import type { CountActions, CountConditions } from "../../protocol/allocation";

/**
 * Agones' GameServerAllocation in plain types: what `allocateServer` asks for. Everything that Agones defaults is set.
 */

/** Which servers will do; all that is given has to hold. */
export interface AllocationSelector extends CountConditions {
  readonly matchLabels: Readonly<Record<string, string>>;
  readonly matchExpressions: readonly LabelExpression[];
  /** `Ready`: a free server. `Allocated`: one that is taken already, to send more players to it. */
  readonly state: "Ready" | "Allocated";
  /** Free seats; looked at only where the maximum is not 0, as Agones does. */
  readonly players: { readonly minAvailable: number; readonly maxAvailable: number };
}

export type LabelExpression =
  | { readonly key: string; readonly operator: "In" | "NotIn"; readonly values: readonly string[] }
  | { readonly key: string; readonly operator: "Exists" | "DoesNotExist" };

/** Orders servers by what a counter or list has left; one without it comes last. */
export interface AllocationPriority {
  readonly type: "Counter" | "List";
  readonly key: string;
  readonly order: "Ascending" | "Descending";
}

export interface AllocationRequest {
  /** In order of preference: the first that any server satisfies decides. At least one. */
  readonly selectors: readonly AllocationSelector[];
  /** `packed`: on the node with most allocated servers. `distributed`: on the one with fewest. */
  readonly scheduling: "packed" | "distributed";
  readonly priorities: readonly AllocationPriority[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly change: CountActions;
}

/** The label by which Agones' clients name a fleet; its value here is the experience. */
export const FLEET_LABEL = "agones.dev/fleet";
/** A fleet's servers of one version. */
export const SET_LABEL = "agones.dev/gameserverset";
/** When it was last allocated, RFC 3339; set with each allocation. */
export const LAST_ALLOCATED = "agones.dev/last-allocated";
