import * as z from "zod";
import type { AllocateOrder } from "./allocation";
import type { Wire } from "./wire";

/** The shapes of `allocation.ts` as checks. */

const amount = z.int().nonnegative();
const strings = z.record(z.string(), z.string());

const counterCondition = z.object({ minCount: amount, maxCount: amount, minAvailable: amount, maxAvailable: amount });
const listCondition = z.object({ containsValue: z.string(), minAvailable: amount, maxAvailable: amount });

const counterAction = z.object({
  action: z.enum(["Increment", "Decrement"]).optional(),
  amount: amount.optional(),
  capacity: amount.optional(),
});
const listAction = z.object({
  capacity: amount.optional(),
  addValues: z.array(z.string()).optional(),
  deleteValues: z.array(z.string()).optional(),
});

export const allocateOrderSchema: z.ZodType<Wire<AllocateOrder>> = z.object({
  matchId: z.string().min(1).max(256),
  from: z.enum(["ready", "allocated"]),
  labels: strings,
  annotations: strings,
  require: z.object({
    counters: z.record(z.string(), counterCondition),
    lists: z.record(z.string(), listCondition),
  }),
  change: z.object({
    counters: z.record(z.string(), counterAction),
    lists: z.record(z.string(), listAction),
  }),
});

export const countsSchema = z.object({
  counters: z.record(z.string(), z.object({ count: amount, capacity: amount })),
  lists: z.record(z.string(), z.object({ capacity: amount, values: z.array(z.string()) })),
});
