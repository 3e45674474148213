import { z } from "zod";
import type { ShiftPlan, ShiftWish } from "../../core/shift-plan";
import { nameSchema } from "./common";
import type { Same } from "./same";

const gateSchema = z
  .strictObject({
    holdSecs: z.number().int().min(1).max(604_800).describe("How long each step is looked at"),
    minMatches: z.number().int().min(1).max(1_000_000).describe("Matches of Forge below which a step is not judged"),
    maxErrorRate: z.number().min(0).max(1),
    maxP99Ms: z.number().min(1).max(600_000),
    maxLost: z.number().int().min(0).max(1_000_000),
  })
  .meta({ id: "ShiftGate" });

const fileSchema = z.string().max(4096).regex(/^\//, "an absolute path").exactOptional();

const wishFields = {
  experienceId: nameSchema,
  agones: z.strictObject({
    url: z
      .url({ protocol: /^https?$/ })
      .describe("Of Agones' allocator service: `/gameserverallocation` is asked there"),
    namespace: nameSchema,
    fleet: nameSchema,
    tls: z
      .strictObject({ caFile: fileSchema, certFile: fileSchema, keyFile: fileSchema })
      .exactOptional()
      .describe(
        "Files in PEM on the controllers' machines: the allocator's authority, and a client's certificate and key",
      ),
  }),
  steps: z
    .array(z.number().int().min(1).max(100))
    .min(1)
    .max(100)
    .readonly()
    .describe("Forge's share in percent, growing to 100"),
  gate: gateSchema,
  soakSecs: z.number().int().min(0).max(31_536_000),
  metric: z
    .strictObject({ url: z.url({ protocol: /^https?$/ }), query: z.string().min(1).max(4096), max: z.number() })
    .exactOptional()
    .describe("A query of Prometheus whose value has to stay at or below `max`; without a value the shift pauses"),
};

export const shiftWishSchema = z.strictObject(wishFields).meta({ id: "ShiftWish" });
true satisfies Same<z.output<typeof shiftWishSchema>, ShiftWish>;

export const shiftPlanSchema = z
  .strictObject({
    ...wishFields,
    state: z.enum(["planned", "running", "paused", "soaking", "aborted", "finished"]),
    step: z.number().int(),
    share: z.number().int().min(0).max(100).exactOptional().describe("Forge's share of new matches now, in percent"),
    sinceMs: z.number(),
    counted: z.number().int().min(0).describe("Matches shared out in this step"),
    reason: z.string(),
    signedOff: z.strictObject({ by: z.string(), atMs: z.number() }).exactOptional(),
    epoch: z.number().int(),
  })
  .meta({ id: "ShiftPlan" });
true satisfies Same<z.output<typeof shiftPlanSchema>, ShiftPlan>;

const sampleSchema = z.strictObject({
  placed: z.number().int(),
  failed: z.number().int(),
  p99Ms: z.number().nullable(),
  lost: z.number().int(),
  metric: z.union([z.number(), z.literal("unknown")]).exactOptional(),
});

export const shiftStatusSchema = z
  .strictObject({
    plan: shiftPlanSchema,
    measured: sampleSchema.describe("Of Forge's side, since the step began at this leader"),
    given: z.strictObject({ forge: z.number().int(), agones: z.number().int() }).describe("Matches by source"),
    decommission: z.array(z.string()).describe("What may be taken away once it is finished"),
  })
  .meta({ id: "ShiftStatus" });
export type ShiftStatus = z.output<typeof shiftStatusSchema>;

export const regionOnlyQuery = z.strictObject({ region: nameSchema.exactOptional() });

export const shiftActionBody = z
  .strictObject({ action: z.enum(["start", "pause", "resume", "abort", "finish"]) })
  .meta({ id: "ShiftAction" });

/** A match that the old cluster took: there are no tickets, and its server is none of Forge's. */
export const agonesMatchSchema = z
  .strictObject({
    source: z.literal("agones"),
    server: z.strictObject({
      id: z.string(),
      address: z.string(),
      ports: z.record(z.string(), z.number().int()),
    }),
    connection: z.string(),
    matchId: z.string(),
    tickets: z.record(z.string(), z.string()).describe("Empty"),
  })
  .meta({ id: "AgonesMatch" });
