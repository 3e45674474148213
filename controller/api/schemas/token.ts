import { z } from "zod";
import { MAX_TOKEN_SECS } from "../../tokens";
import { nameSchema, playerIdSchema, timeSchema } from "./common";

export const mintBody = z
  .strictObject({
    sub: playerIdSchema.describe("Of a player: the playerId. Of a server: its id"),
    role: z.enum(["allocator", "player", "server", "viewer"]),
    regions: z
      .array(z.union([z.literal("*"), nameSchema]))
      .min(1)
      .max(64)
      .exactOptional()
      .describe("The caller's own where not given; never wider"),
    expiresInSecs: z.number().int().min(1).max(MAX_TOKEN_SECS).exactOptional(),
  })
  .meta({ id: "MintToken" });

export const mintedTokenSchema = z
  .strictObject({
    token: z.string(),
    sub: z.string(),
    role: z.string(),
    regions: z.array(z.string()),
    expiresAt: timeSchema,
  })
  .meta({ id: "MintedToken" });
