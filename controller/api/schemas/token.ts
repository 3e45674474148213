import { z } from "zod";
import { MAX_RENEWABLE_SECS, MAX_TOKEN_SECS } from "../../tokens";
import { nameSchema, playerIdSchema, timeSchema } from "./common";

export const mintBody = z
  .strictObject({
    sub: playerIdSchema.exactOptional().describe("Of a player: the playerId. Of a server: its id"),
    role: z.enum(["allocator", "player", "server", "viewer"]).exactOptional(),
    regions: z
      .array(z.union([z.literal("*"), nameSchema]))
      .min(1)
      .max(64)
      .exactOptional()
      .describe("The caller's own where not given; never wider"),
    expiresInSecs: z.number().int().min(1).max(MAX_TOKEN_SECS).exactOptional(),
    renewableForSecs: z
      .number()
      .int()
      .min(0)
      .max(MAX_RENEWABLE_SECS)
      .exactOptional()
      .describe("For so long its owner may exchange it for a fresh one of the same kind; not at all where not given"),
  })
  .refine(
    ({ sub, role }) => (sub === undefined) === (role === undefined),
    "give sub and role, or neither to renew yours",
  )
  .refine(
    ({ sub, renewableForSecs }) => sub !== undefined || renewableForSecs === undefined,
    "renewing does not change until when it may be renewed",
  )
  .meta({ id: "MintToken", description: "Without sub and role the caller's own token is renewed" });

export const mintedTokenSchema = z
  .strictObject({
    token: z.string(),
    sub: z.string(),
    role: z.string(),
    regions: z.array(z.string()),
    expiresAt: timeSchema,
  })
  .meta({ id: "MintedToken" });
