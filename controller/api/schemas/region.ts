import { z } from "zod";
import type { Region, RegionDrainView, RegionSummary } from "../../core/resources";
import { nameSchema, queryNumber, regionQuery, timeSchema } from "./common";
import { seatsSchema } from "./fleet";
import type { Same } from "./same";

const regionStates = ["up", "draining", "down"] as const;
const location = z.tuple([z.number(), z.number()]).nullable().describe("Degrees: latitude, longitude");

const drainSchema = z
  .strictObject({
    movesAt: timeSchema.describe("From when on its players are moved to other regions"),
    moved: z.number().describe("Sessions that were moved since its leader leads"),
    moving: z.number().describe("Sessions that another region was asked to take"),
    left: z.number().describe("Sessions that are still here"),
    stuck: z.record(z.string(), z.string()).describe("Why players cannot go anywhere now, by experience"),
  })
  .meta({ id: "RegionDrain" });
true satisfies Same<z.output<typeof drainSchema>, RegionDrainView>;

export const regionSchema = z
  .strictObject({
    name: z.string(),
    state: z.enum(regionStates),
    url: z.string().nullable(),
    ping: z
      .strictObject({ http: z.string(), udp: z.string().describe("host:port") })
      .nullable()
      .describe("Where to measure how far it is"),
    location,
    nodes: z.array(
      z.strictObject({
        id: z.string(),
        state: z.enum(["connected", "isolated", "suspect", "down"]),
        address: z.string(),
        servers: z.number(),
      }),
    ),
    servers: z.number(),
    players: z.number(),
    queued: z.number(),
    seats: seatsSchema,
    cpu: z.number().describe("Mean CPU share of its servers, 0 to 1"),
    leader: z.string().nullable(),
    epoch: z.number(),
    drain: drainSchema.nullable().describe("Null while it is not being drained"),
  })
  .meta({ id: "Region" });
true satisfies Same<z.output<typeof regionSchema>, Region>;

export const regionSummarySchema = z
  .strictObject({
    region: z.string(),
    state: z.enum(regionStates),
    location,
    experiences: z.record(
      z.string(),
      z.array(
        z.strictObject({
          version: z.string(),
          clients: z.string().exactOptional().describe("Which clients it takes; any where it does not say"),
          mods: z.array(z.string()),
          free: z.number(),
          queued: z.number(),
          canGrow: z.boolean(),
          cpu: z.number(),
        }),
      ),
    ),
  })
  .meta({ id: "RegionSummary" });
true satisfies Same<z.output<typeof regionSummarySchema>, RegionSummary>;

export const drainQuery = z.strictObject({
  after: queryNumber(0, 86_400).exactOptional().describe("Seconds that players may stay before they are moved; 0"),
});
export const regionParams = z.strictObject({ name: nameSchema });
export const regionsQuery = z.strictObject({ ...regionQuery });
