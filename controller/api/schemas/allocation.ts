import { z } from "zod";
import type { MatchAllocation } from "../../core/resources";
import {
  annotationsSchema,
  deadlineMsSchema,
  idSchema,
  labelsSchema,
  latenciesSchema,
  nameSchema,
  playerIdSchema,
  versionSchema,
} from "./common";
import type { Same } from "./same";
import { serverSchema } from "./server";

export const matchAllocationSchema = z
  .strictObject({
    server: serverSchema,
    connection: z.string().describe("`host:port` of the first game port"),
    matchId: z.string(),
    tickets: z.record(z.string(), z.string()).describe("By playerId"),
  })
  .meta({ id: "MatchAllocation" });
true satisfies Same<z.output<typeof matchAllocationSchema>, MatchAllocation>;

export const allocateBody = z
  .strictObject({
    experienceId: nameSchema,
    matchId: idSchema.describe("The same matchId again answers with the same server"),
    players: z
      .array(z.strictObject({ playerId: playerIdSchema, latencies: latenciesSchema.exactOptional() }))
      // A match of nobody would claim a server that nothing ever gives back.
      .min(1)
      .max(256)
      .refine(
        (players) => new Set(players.map(({ playerId }) => playerId)).size === players.length,
        "each player once",
      ),
    region: nameSchema.exactOptional(),
    version: versionSchema.exactOptional(),
    labels: labelsSchema.exactOptional(),
    annotations: annotationsSchema.exactOptional(),
    deadlineMs: deadlineMsSchema.exactOptional(),
  })
  .meta({ id: "AllocateMatch" });
