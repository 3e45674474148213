import { z } from "zod";
import type { AllocationRequest } from "../core/allocation";

/**
 * `spec` of a GameServerAllocation, with Agones' defaults and checks (`pkg/apis/allocation/v1/gameserverallocation.go`,
 * `ApplyDefaults` and `Validate`). Both wires come to this: Kubernetes' JSON is it, the allocation service's is turned
 * into it. Beyond Agones' checks everything is bounded.
 */

const MAX_SELECTORS = 32;
const MAX_NAMES = 64;
const MAX_VALUES = 1000;

const QUALIFIED = /^(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

const key = z.string().max(317).regex(QUALIFIED, "is not a qualified name as Kubernetes has them");
const labelValue = z.string().max(63).regex(LABEL_VALUE, "is not a label value as Kubernetes has them");
const countName = z.string().min(1).max(128);

/** JSON of protobuf has 64-bit integers as text. */
const amount = z
  .union([z.number(), z.string().regex(/^-?\d{1,19}$/)])
  .transform(Number)
  .pipe(z.number().int().min(0, "must be greater than or equal to 0").max(Number.MAX_SAFE_INTEGER));

/** What Go leaves out and what it writes as null are the same. */
function orNothing<Schema extends z.ZodType>(schema: Schema) {
  return schema.nullish().transform((value) => value ?? undefined);
}

function table<Key extends z.ZodType<string, string>, Value extends z.ZodType>(name: Key, value: Value) {
  return z
    .record(name, value)
    .nullish()
    .transform((given) => given ?? {})
    .refine((given) => Object.keys(given).length <= MAX_NAMES, `at most ${MAX_NAMES} names`);
}

function list<Item extends z.ZodType>(item: Item, most: number) {
  return z
    .array(item)
    .max(most)
    .nullish()
    .transform((given) => given ?? []);
}

const zero = amount.nullish().transform((value) => value ?? 0);

const counterCondition = z
  .object({ minCount: zero, maxCount: zero, minAvailable: zero, maxAvailable: zero })
  .refine((c) => c.maxCount === 0 || c.maxCount >= c.minCount, "maxCount must be zero or at least minCount")
  .refine(
    (c) => c.maxAvailable === 0 || c.maxAvailable >= c.minAvailable,
    "maxAvailable must be zero or at least minAvailable",
  );

const listCondition = z
  .object({
    containsValue: z
      .string()
      .nullish()
      .transform((value) => value ?? ""),
    minAvailable: zero,
    maxAvailable: zero,
  })
  .refine(
    (c) => c.maxAvailable === 0 || c.maxAvailable >= c.minAvailable,
    "maxAvailable must be zero or at least minAvailable",
  );

const expression = z.discriminatedUnion("operator", [
  z.object({ key, operator: z.literal("In"), values: z.array(labelValue).min(1).max(MAX_VALUES) }),
  z.object({ key, operator: z.literal("NotIn"), values: z.array(labelValue).min(1).max(MAX_VALUES) }),
  z.object({ key, operator: z.literal("Exists"), values: z.array(z.never()).nullish() }),
  z.object({ key, operator: z.literal("DoesNotExist"), values: z.array(z.never()).nullish() }),
]);

const selector = z
  .object({
    matchLabels: table(key, labelValue),
    matchExpressions: list(expression, MAX_NAMES),
    gameServerState: z
      .enum(["Ready", "Allocated"], "must be either Allocated or Ready")
      .nullish()
      .transform((state) => state ?? "Ready"),
    players: z
      .object({ minAvailable: zero, maxAvailable: zero })
      .refine((p) => p.minAvailable <= p.maxAvailable, "minAvailable cannot be greater than maxAvailable")
      .nullish()
      .transform((players) => players ?? { minAvailable: 0, maxAvailable: 0 }),
    counters: table(countName, counterCondition),
    lists: table(countName, listCondition),
  })
  .transform(({ gameServerState, ...rest }) => ({ ...rest, state: gameServerState }));

const priority = z.object({
  type: z.enum(["Counter", "List"], 'type must be "Counter" or "List"'),
  key: z.string().min(1, "key must not be empty").max(128),
  order: z
    .enum(["Ascending", "Descending", ""], 'order must be "Ascending" or "Descending"')
    .nullish()
    .transform((order) => order || "Ascending"),
});

const counterAction = z
  .object({
    action: orNothing(z.enum(["Increment", "Decrement"], 'action must be "Increment" or "Decrement"')),
    amount: orNothing(amount),
    capacity: orNothing(amount),
  })
  .refine(
    (a) => (a.action === undefined) === (a.amount === undefined),
    "action and amount are given together or not at all",
  );

const listAction = z.object({
  addValues: list(z.string().max(4096), MAX_VALUES),
  deleteValues: list(z.string().max(4096), MAX_VALUES),
  capacity: orNothing(amount),
});

const patch = z
  .object({ labels: table(key, labelValue), annotations: table(key, z.string()) })
  .nullish()
  .transform((given) => given ?? { labels: {}, annotations: {} });

const labelSelector = z.object({ matchLabels: table(key, labelValue) }).nullish();

export const allocationSpecSchema = z
  .object({
    multiClusterSetting: z
      .object({ enabled: z.boolean().nullish(), policySelector: labelSelector })
      .nullish()
      .transform((given) => ({
        enabled: given?.enabled === true,
        labels: given?.policySelector?.matchLabels ?? {},
      })),
    required: selector.nullish(),
    preferred: list(selector, MAX_SELECTORS),
    selectors: list(selector, MAX_SELECTORS),
    priorities: list(priority, MAX_SELECTORS),
    scheduling: z
      .enum(["Packed", "Distributed", ""], 'supported values: "Packed", "Distributed"')
      .nullish()
      .transform((given) => (given === "Distributed" ? ("distributed" as const) : ("packed" as const))),
    metadata: patch,
    counters: table(countName, counterAction),
    lists: table(countName, listAction),
  })
  .transform(({ multiClusterSetting, required, preferred, selectors, metadata, counters, lists, ...rest }) => ({
    multiCluster: multiClusterSetting,
    request: {
      ...rest,
      // The older fields mean: the preferred ones in their order, then what is required at least.
      selectors: selectors.length > 0 ? selectors : [...preferred, required ?? selector.parse({})],
      labels: metadata.labels,
      annotations: metadata.annotations,
      change: { counters, lists },
    } satisfies AllocationRequest,
  }));

/** What an allocation asks for, and whether other regions may serve it. */
export interface AllocationAsk {
  readonly request: AllocationRequest;
  readonly multiCluster: { readonly enabled: boolean; readonly labels: Readonly<Record<string, string>> };
}

/** One line for people: each place with what is wrong there. */
export function specProblems({ issues }: z.ZodError): string {
  return issues
    .slice(0, 20)
    .map((issue) => {
      const what = issue.code === "invalid_key" ? issue.issues.map(({ message }) => message).join(", ") : issue.message;
      return `${["spec", ...issue.path].join(".").slice(0, 300)}: ${what}`;
    })
    .join("; ");
}
