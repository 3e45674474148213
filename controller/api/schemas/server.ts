import { z } from "zod";
import type { Server } from "../../core/resources";
import {
  annotationsPatchSchema,
  annotationsSchema,
  idSchema,
  labelsPatchSchema,
  labelsSchema,
  nameSchema,
  pageQuery,
  queryFlag,
  queryNumber,
  regionQuery,
  timeSchema,
  versionSchema,
} from "./common";
import type { Same } from "./same";

export const serverStates = [
  "starting",
  "ready",
  "reserved",
  "allocated",
  "draining",
  "suspect",
  "unhealthy",
  "terminated",
] as const;
const text = z.record(z.string(), z.string());
const list = z.strictObject({ capacity: z.number(), values: z.array(z.string()) });

export const serverSchema = z
  .strictObject({
    id: z.string(),
    allocationId: z.string().nullable(),
    experienceId: z.string(),
    version: z.string(),
    clients: z.string().nullable().describe("Which `clientVersion` it takes: one, or a range; null: any"),
    mods: z.array(z.string()),
    role: z.string().describe("`server` for what players join, else a fleet role's name"),
    region: z.string(),
    nodeId: z.string().nullable(),
    state: z.enum(serverStates),
    address: z.string().nullable(),
    ports: z.record(z.string(), z.number()),
    maxPlayers: z.number(),
    players: z.number().describe("Seats held: joined, reserved and walk-ins"),
    matchId: z.string().nullable(),
    labels: text,
    annotations: text,
    counters: z
      .record(z.string(), z.strictObject({ count: z.number(), capacity: z.number() }))
      .describe("What the server counts beside its seats"),
    lists: z.record(z.string(), list),
    tracked: list.nullable().describe("Ids of the players that a server on Agones' SDK tracks itself"),
    stats: z
      .strictObject({ cpu: z.number().describe("0 to 1 of what it asked for"), memoryBytes: z.number() })
      .nullable(),
    createdAt: timeSchema,
    readyAt: timeSchema.nullable(),
    endedAt: timeSchema.nullable(),
    reason: z.string().describe("Why it is in this state"),
  })
  .meta({ id: "Server" });
true satisfies Same<z.output<typeof serverSchema>, Server>;

export const spawnBody = z
  .strictObject({
    experienceId: nameSchema,
    region: nameSchema,
    maxPlayers: z.number().int().min(1).max(10_000).exactOptional(),
    version: versionSchema.exactOptional(),
    labels: labelsSchema.exactOptional(),
    annotations: annotationsSchema.exactOptional(),
  })
  .meta({ id: "SpawnServer" });
export const spawnQuery = z.strictObject({
  wait: z.literal("ready").exactOptional().describe("Answer once it is ready, or has failed"),
});

export const serversQuery = z.strictObject({
  ...regionQuery,
  experienceId: nameSchema.exactOptional(),
  state: z.enum(serverStates).exactOptional().describe("Without it all but those that have ended"),
  ...pageQuery,
});

export const labelBody = z
  .strictObject({ labels: labelsPatchSchema.exactOptional(), annotations: annotationsPatchSchema.exactOptional() })
  .refine(({ labels, annotations }) => labels !== undefined || annotations !== undefined, "give labels or annotations")
  .meta({ id: "LabelServer", description: "null takes a key away", minProperties: 1 });

export const terminateQuery = z.strictObject({
  drain: queryNumber(0, 86_400)
    .exactOptional()
    .describe("Seconds that players may stay; 0, the default, moves them at once"),
  force: queryFlag.exactOptional().describe("Stop it with players on it"),
  reason: z.string().min(1).max(256).exactOptional(),
});

export const logsQuery = z.strictObject({
  follow: queryFlag.exactOptional().describe("Go on until the server ends"),
  task: idSchema.exactOptional().describe("A role beside the primary"),
  tailBytes: queryNumber(0, 16 * 1024 * 1024)
    .exactOptional()
    .describe("Start so many bytes before the end; 64 KiB where not given"),
});
