import { z } from "zod";
import type { MatchAllocation, ServerSelector } from "../../core/resources";
import {
  annotationsSchema,
  deadlineMsSchema,
  idSchema,
  labelsSchema,
  latenciesSchema,
  nameSchema,
  playerIdSchema,
  clientVersionSchema,
  versionWishSchema,
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

const selectorSchema = z
  .strictObject({
    matchLabels: labelsSchema.exactOptional().describe("The server has all of these"),
    version: versionWishSchema.exactOptional(),
    gameServerState: z
      .literal("Ready", "only Ready: a match gets a free server of its own")
      .exactOptional()
      .describe("As Agones names it; nothing else can be asked for"),
  })
  .meta({ id: "ServerSelector" });
true satisfies Same<z.output<typeof selectorSchema>, ServerSelector>;

/** More preferences than this help nobody, and each costs a look. */
const SELECTORS_LIMIT = 16;

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
    version: versionWishSchema.exactOptional(),
    clientVersion: clientVersionSchema.exactOptional(),
    selectors: z
      .array(selectorSchema)
      .max(SELECTORS_LIMIT)
      .exactOptional()
      .describe("In order of preference: the first that a free server satisfies decides; without any, any server does"),
    labels: labelsSchema.exactOptional(),
    annotations: annotationsSchema.exactOptional(),
    deadlineMs: deadlineMsSchema.exactOptional(),
  })
  .meta({ id: "AllocateMatch" });
