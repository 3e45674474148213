import { z } from "zod";
import { disordersOf } from "../../../config/chain-order";
import { message, positiveSecondsSchema, serverCountSchema, textSchema } from "../../../config/fields";
import {
  bufferSizeSchema,
  cronSchema,
  defragmentSchema,
  durationSecsSchema,
  maxCapacitySchema,
  minCapacitySchema,
  scheduleTimeSchema,
  targetResponseSchema,
  timezoneSchema,
} from "../../../config/scaling-schema";
import type { Fleet, FleetPolicy, FleetRollout, ScalingEntry } from "../../core/resources";
import { nameSchema, pageQuery, regionQuery, timeSchema, versionSchema } from "./common";
import type { Same } from "./same";
import { serverStates } from "./server";

const bufferSchema = z.union([z.number().int().min(0).max(100_000), z.string().regex(/^\d{1,3}(?:\.\d+)?%$/)]);
const momentSchema = scheduleTimeSchema.meta({ format: "date-time" });

const scalingCountSchema = z
  .strictObject({
    key: textSchema,
    bufferSize: bufferSizeSchema,
    minCapacity: minCapacitySchema.exactOptional(),
    maxCapacity: maxCapacitySchema.exactOptional(),
  })
  .meta({ id: "ScalingCount" });

const scalingEntrySchema = z
  .strictObject({
    id: textSchema.max(64).exactOptional(),
    schedule: z
      .strictObject({
        between: z
          .strictObject({ start: momentSchema.exactOptional(), end: momentSchema.exactOptional() })
          .exactOptional(),
        activePeriod: z
          .strictObject({
            timezone: timezoneSchema.exactOptional(),
            startCron: cronSchema.exactOptional(),
            durationSecs: durationSecsSchema.exactOptional(),
          })
          .exactOptional(),
      })
      .exactOptional(),
    buffer: z
      .strictObject({
        bufferSize: bufferSizeSchema,
        minReplicas: serverCountSchema.exactOptional(),
        maxReplicas: serverCountSchema.exactOptional(),
      })
      .exactOptional(),
    counter: scalingCountSchema.exactOptional(),
    list: scalingCountSchema.exactOptional(),
    webhook: z
      .strictObject({
        url: z.string(),
        caFile: z.string().exactOptional(),
        secretEnv: z.string().exactOptional(),
        timeoutSecs: z.number().exactOptional(),
      })
      .exactOptional()
      .describe("Only one that forge.toml has"),
  })
  .superRefine((entry, found) => {
    for (const { path, problem, fix } of disordersOf(entry))
      found.addIssue({ code: "custom", path: [...path], message: message(problem, fix) });
  })
  .meta({ id: "ScalingEntry", description: "Agones' FleetAutoscaler: one of buffer, counter, list and webhook" });
true satisfies Same<z.output<typeof scalingEntrySchema>, ScalingEntry>;

export const fleetPolicySchema = z
  .strictObject({
    minServers: z.number().int().min(0).max(100_000),
    maxServers: z.number().int().min(0).max(100_000),
    targetCpu: z.number().min(0).max(1),
    targetPlayers: z.number().min(0).max(100_000),
    scaleUpThreshold: z.number().min(0).max(1),
    scaleDownThreshold: z.number().min(0).max(1),
    scaleUpCooldownSecs: z.number().min(0).max(86_400),
    scaleDownCooldownSecs: z.number().min(0).max(86_400),
    buffer: bufferSchema.describe('Servers, 5, or a share of what is in use, "10%"'),
    targetResponseMs: targetResponseSchema
      .nullable()
      .describe("p95 from asking for a seat to having it, above which a server is added; null: not used"),
    defragment: defragmentSchema.describe(
      "Empty the server with fewest players where the others have room: wait until they have left, or move them",
    ),
    defragmentIntervalSecs: positiveSecondsSchema.describe("Between two servers that are emptied for it"),
    chain: z
      .array(scalingEntrySchema)
      .max(32)
      .describe("The first entry that applies decides how much is kept ready, instead of buffer"),
  })
  .meta({ id: "FleetPolicy" });
true satisfies Same<z.output<typeof fleetPolicySchema>, FleetPolicy>;

export const seatsSchema = z.strictObject({ total: z.number(), held: z.number(), free: z.number() });

const rolloutSchema = z
  .strictObject({
    fromVersion: z.string(),
    toVersion: z.string(),
    state: z.enum(["canary", "rolling"]).describe("rolling: all new servers run it, old ones go as they empty"),
    paused: z.boolean(),
    share: z.number().describe("0 to 1: how much of the fleet shall run it"),
    servers: z.record(z.string(), z.number()).describe("By version"),
    failures: z.number().describe("Servers of it that did not come up, hung or died"),
    startedAt: timeSchema,
    reason: z.string(),
  })
  .meta({ id: "FleetRollout", description: "A version that is being taken in" });
true satisfies Same<z.output<typeof rolloutSchema>, FleetRollout>;

export const fleetSchema = z
  .strictObject({
    experienceId: z.string(),
    region: z.string(),
    version: z.string(),
    kind: z.enum(["match", "world"]),
    servers: z.strictObject(
      Object.fromEntries(serverStates.map((state) => [state, z.number()])) as Record<
        (typeof serverStates)[number],
        z.ZodNumber
      >,
    ),
    desired: z
      .number()
      .describe(
        "How many servers there shall be now: what policy, demand and a number set by hand ask for, as far as the maximums of experience and region allow",
      ),
    seats: seatsSchema,
    queued: z.number(),
    policy: fleetPolicySchema,
    rollout: rolloutSchema.nullable(),
  })
  .meta({ id: "Fleet" });
true satisfies Same<z.output<typeof fleetSchema>, Fleet>;

export const fleetParams = z.strictObject({ experienceId: nameSchema });
export const fleetQuery = z.strictObject({ ...regionQuery });
export const fleetsQuery = z.strictObject({ ...regionQuery, ...pageQuery });
export const putFleetBody = z
  .strictObject({
    version: versionSchema.exactOptional().describe("Roll over to this version; the one before: roll back"),
    canary: z
      .number()
      .gt(0)
      .lt(1)
      .exactOptional()
      .describe("This share of the fleet runs the version first; without it all of the fleet is rolled over"),
    rollout: z
      .enum(["promote", "pause", "resume", "rollback"])
      .exactOptional()
      .describe("What becomes of the version that is being taken in"),
    desired: z
      .number()
      .int()
      .min(0)
      .max(100_000)
      .exactOptional()
      .describe(
        "So many servers at least, until 0 takes it back; the region's maximum bounds it, as it bounds minServers",
      ),
    policy: fleetPolicyPatch().exactOptional(),
  })
  .meta({ id: "PutFleet", description: "What is not given stays as it is" });

function fleetPolicyPatch() {
  const { shape } = fleetPolicySchema;
  return z.strictObject({
    minServers: shape.minServers.exactOptional(),
    maxServers: shape.maxServers.exactOptional(),
    targetCpu: shape.targetCpu.exactOptional(),
    targetPlayers: shape.targetPlayers.exactOptional(),
    scaleUpThreshold: shape.scaleUpThreshold.exactOptional(),
    scaleDownThreshold: shape.scaleDownThreshold.exactOptional(),
    scaleUpCooldownSecs: shape.scaleUpCooldownSecs.exactOptional(),
    scaleDownCooldownSecs: shape.scaleDownCooldownSecs.exactOptional(),
    buffer: shape.buffer.exactOptional(),
    targetResponseMs: shape.targetResponseMs.exactOptional(),
    defragment: shape.defragment.exactOptional(),
    defragmentIntervalSecs: shape.defragmentIntervalSecs.exactOptional(),
    chain: shape.chain.exactOptional(),
    cooldownSecs: shape.scaleUpCooldownSecs.exactOptional().describe("Sets both cooldowns, where one is not given"),
  });
}
