import { z } from "zod";
import { CronTimes } from "./cron-times";
import {
  addressSchema,
  message,
  positiveCountSchema,
  positiveSecondsSchema,
  secondsSchema,
  secretEnvSchema,
  serverCountSchema,
  shareSchema,
  textSchema,
} from "./fields";
import { CHAIN_KINDS } from "./scaling-chain";

/** `[experiences.NAME.scaling]` and its chain. */

const NOT_AN_AMOUNT = message(
  "is neither servers nor a share",
  'write servers, 5, or a share of what is in use, "10%"',
);

const bufferSchema = z.union([serverCountSchema, z.string().regex(/^\d{1,3}(?:\.\d+)?%$/, NOT_AN_AMOUNT)], {
  error: NOT_AN_AMOUNT,
});

/** As Agones has it: a share is of the whole, so it stays below all of it. */
const NOT_A_SIZE = message("is neither a number nor a share", 'write a number, 5, or a share below 100 %, "20%"');

export const bufferSizeSchema = z.union(
  [z.int().min(0).max(1_000_000), z.string().regex(/^\d{1,2}(?:\.\d+)?%$/, NOT_A_SIZE)],
  { error: NOT_A_SIZE },
);

export const timezoneSchema = z
  .string()
  .refine(isTimezone, { error: message("is not a time zone", 'write its IANA name: "Europe/Berlin", "UTC"') });

export const cronSchema = z
  .string()
  .refine(isCron, {
    error: message("is not a cron expression", 'write minute, hour, day, month and weekday: "0 18 * * 5"'),
    abort: true,
  })
  .refine((text) => new CronTimes(text).comes, {
    error: message(
      "never comes: no month of those that it names has such a day",
      'write days that its months have: "0 0 28 2 *", or L for the last of each',
    ),
  });

const NOT_A_TIME = message("is not a time", 'write it as ISO 8601 has it, in quotes: "2026-12-24T18:00:00Z"');
export const scheduleTimeSchema = z
  .string()
  .refine((text) => /^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text)), {
    error: NOT_A_TIME,
  });

/** Of all servers of a fleet together. */
export const minCapacitySchema = z.int().min(0).max(100_000_000);
export const maxCapacitySchema = z.int().min(1).max(100_000_000);
export const durationSecsSchema = z.number().min(1).max(31_622_400);

const countSchema = z.strictObject({
  key: textSchema.describe("Its name in the experience's counters or lists"),
  buffer_size: bufferSizeSchema.describe('What is left of the capacity of all servers: 5, or a share of it, "20%"'),
  min_capacity: minCapacitySchema.optional().describe("Of all servers together"),
  max_capacity: maxCapacitySchema.optional(),
});

const chainEntrySchema = z
  .strictObject({
    id: textSchema.max(64).optional().describe("For people; its number unless set"),
    schedule: z
      .strictObject({
        between: z
          .strictObject({ start: scheduleTimeSchema.optional(), end: scheduleTimeSchema.optional() })
          .optional(),
        active_period: z
          .strictObject({
            timezone: timezoneSchema.optional().describe("IANA name; UTC unless set"),
            start_cron: cronSchema.optional().describe("When it begins to apply; always unless set"),
            duration_secs: durationSecsSchema.optional().describe("How long from each start; without end unless set"),
          })
          .optional(),
      })
      .optional()
      .describe("When the entry applies; always unless set"),
    buffer: z
      .strictObject({
        buffer_size: bufferSizeSchema.describe('Free servers: 5, or the share of all servers that are free, "20%"'),
        min_replicas: serverCountSchema.optional(),
        max_replicas: serverCountSchema.optional(),
      })
      .optional(),
    counter: countSchema.optional(),
    list: countSchema.optional(),
    webhook: z
      .strictObject({
        url: addressSchema,
        ca_file: textSchema
          .optional()
          .describe("PEM of the authority that signed its certificate; relative to forge.toml"),
        secret_env: secretEnvSchema,
        timeout_secs: z.number().min(0.1).max(60).optional().describe("5 unless set"),
      })
      .optional(),
  })
  .refine((entry) => CHAIN_KINDS.filter((kind) => entry[kind] !== undefined).length === 1, {
    error: message("does not say one thing", `write one of ${CHAIN_KINDS.join(", ")}`),
  });

const prioritySchema = z.strictObject({
  type: z.enum(["counter", "list"]),
  key: textSchema.describe("Its name in the experience's counters or lists"),
  order: z
    .enum(["ascending", "descending"])
    .default("ascending")
    .describe("ascending: servers with least left of it go first"),
});

/** Kubernetes' rules, which Agones' clients keep to: a prefix that is a host name, then a name. */
const MARK_NAME = /^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$/;

function marksSchema(value: z.ZodString) {
  const keySchema = z
    .string()
    .regex(
      MARK_NAME,
      message("is not the name of a label", 'write letters, digits, - _ and ., as in "studio.com/old"'),
    );
  return z
    .record(keySchema, value)
    .refine((marks) => Object.keys(marks).length <= MAX_MARKS, {
      error: message("has too many entries", `keep ${MAX_MARKS} at most`),
    })
    .default({});
}

const MAX_MARKS = 16;

const overflowSchema = z.strictObject({
  labels: marksSchema(
    z.string().regex(LABEL_VALUE, message("is not the value of a label", "use letters, digits, - _ and ., at most 63")),
  ),
  annotations: marksSchema(z.string().max(1024)),
});

export const targetResponseSchema = z.number().gt(0);
export const defragmentSchema = z.enum(["off", "wait", "move"]);

/** The document's ScalingPolicy, and what is beside it. */
export const scalingPolicySchema = z.strictObject({
  min_servers: serverCountSchema
    .optional()
    .describe("[scaling].min_servers_per_region unless set; at most 1 of a world"),
  max_servers: serverCountSchema.optional().describe("[scaling].max_servers_per_region unless set; 1 of a world"),
  target_cpu: shareSchema.gt(0).optional().describe("0 to 1; [scaling].target_cpu_utilization unless set"),
  target_players: positiveCountSchema
    .optional()
    .describe("[scaling].target_players_per_server or max_players unless set, whichever is less"),
  scale_up_threshold: shareSchema
    .optional()
    .describe("0 to 1; average CPU above this scales up; target_cpu unless set"),
  scale_down_threshold: shareSchema
    .optional()
    .describe("0 to 1; average CPU below this scales down; half of scale_up_threshold unless set"),
  cooldown_secs: secondsSchema.optional().describe("Both cooldowns at once"),
  scale_up_cooldown_secs: secondsSchema.optional(),
  scale_down_cooldown_secs: secondsSchema.optional(),
  buffer: bufferSchema.default(0).describe('Free capacity kept ready: servers, 5, or a share of what is in use, "10%"'),
  target_response_ms: targetResponseSchema
    .optional()
    .describe("p95 from asking for a seat to having it, above which a server is added"),
  defragment: defragmentSchema
    .default("off")
    .describe(
      "Empty the server with fewest players where the others have room: wait until they have left, or move them",
    ),
  defragment_interval_secs: positiveSecondsSchema.default(60).describe("Between two servers that are emptied for it"),
  priorities: z
    .array(prioritySchema)
    .max(16)
    .default([])
    .describe("In which order empty servers go: by what is left of counters and lists"),
  allocation_overflow: overflowSchema
    .optional()
    .describe("Labels and annotations for allocated servers beyond the number wanted"),
  chain: z
    .array(chainEntrySchema)
    .max(32)
    .default([])
    .describe("Policies in order: the first that applies decides how much is kept ready, instead of buffer"),
  regions: z
    .record(
      z.string(),
      z.strictObject({ min_servers: serverCountSchema.optional(), max_servers: serverCountSchema.optional() }),
    )
    .default({})
    .describe("By region: other bounds"),
});

export type ChainEntryToml = z.output<typeof chainEntrySchema>;

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function isCron(text: string): boolean {
  try {
    new CronTimes(text);
    return true;
  } catch {
    return false;
  }
}
