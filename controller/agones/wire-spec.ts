import { z } from "zod";
import type { PlainRequest } from "./allocation-wire";

/**
 * An `AllocationRequest` of the allocation service in the shape of a GameServerAllocation's `spec`.
 * Source: Agones, `pkg/allocation/converters/converter.go`.
 */

const anything = z.record(z.string(), z.unknown());
const wrapped = z.object({ value: z.unknown() }).nullable();

const wireRequest = z.object({
  namespace: z.string(),
  multiClusterSetting: anything.nullable(),
  requiredGameServerSelector: anything.nullable(),
  preferredGameServerSelectors: z.array(anything),
  gameServerSelectors: z.array(anything),
  scheduling: z.unknown(),
  metaPatch: anything.nullable(),
  metadata: anything.nullable(),
  priorities: z.array(anything),
  counters: z.record(z.string(), z.object({ action: wrapped, amount: wrapped, capacity: wrapped })),
  lists: z.record(z.string(), z.object({ addValues: z.unknown(), deleteValues: z.unknown(), capacity: wrapped })),
});

export interface WireAsk {
  readonly namespace: string;
  /** To be checked by `allocationSpecSchema`. */
  readonly spec: unknown;
}

export function specOfWire(request: PlainRequest): WireAsk {
  const wire = wireRequest.parse(request);
  return {
    namespace: wire.namespace,
    spec: {
      multiClusterSetting: wire.multiClusterSetting,
      required: wire.requiredGameServerSelector && selectorOf(wire.requiredGameServerSelector),
      preferred: wire.preferredGameServerSelectors.map(selectorOf),
      selectors: wire.gameServerSelectors.map(selectorOf),
      // A number that no enumeration has is its first, as Agones takes it.
      scheduling: wire.scheduling === "Distributed" ? "Distributed" : "Packed",
      metadata: wire.metadata ?? wire.metaPatch,
      priorities: wire.priorities.map(({ type, key, order }) => ({
        type: type === "List" ? "List" : "Counter",
        key,
        order: order === "Descending" ? "Descending" : "Ascending",
      })),
      counters: mapped(wire.counters, ({ action, amount, capacity }) => ({
        action: action?.value,
        amount: amount?.value,
        capacity: capacity?.value,
      })),
      lists: mapped(wire.lists, ({ capacity, ...values }) => ({ ...values, capacity: capacity?.value })),
    },
  };
}

function selectorOf({ gameServerState, ...rest }: Record<string, unknown>): Record<string, unknown> {
  return { ...rest, gameServerState: gameServerState === "ALLOCATED" ? "Allocated" : "Ready" };
}

function mapped<From, To>(table: Record<string, From>, to: (from: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(table).map(([name, value]) => [name, to(value)]));
}
