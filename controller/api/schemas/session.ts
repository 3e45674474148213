import { z } from "zod";
import type { FollowResult } from "../../core/decision";
import type { Placement, Queued, Session } from "../../core/resources";
import {
  deadlineMsSchema,
  latenciesSchema,
  modsSchema,
  nameSchema,
  pageQuery,
  playerIdSchema,
  queryNumber,
  regionQuery,
  timeSchema,
  clientVersionSchema,
  versionWishSchema,
  waitSchema,
} from "./common";
import type { Same } from "./same";

export const sessionStates = ["queued", "reserved", "active", "migrating", "ended"] as const;

export const sessionSchema = z
  .strictObject({
    id: z.string(),
    playerId: z.string(),
    experienceId: z.string(),
    serverId: z.string().nullable(),
    region: z.string(),
    state: z.enum(sessionStates),
    generation: z.number().describe("Raised by every move; the higher wins"),
    party: z.array(z.string()),
    connectedAt: timeSchema,
    lastActivity: timeSchema,
    latencyMs: z.number().nullable(),
    packetLoss: z.number().nullable().describe("0 to 1"),
    moves: z.number(),
    restoredAgeMs: z.number().nullable().describe("Age of the state that the last move carried"),
    reason: z.string(),
  })
  .meta({ id: "Session" });
true satisfies Same<z.output<typeof sessionSchema>, Session>;

export const endpointSchema = z
  .strictObject({ id: z.string(), address: z.string(), ports: z.record(z.string(), z.number()) })
  .meta({ id: "Endpoint" });

export const placementSchema = z
  .strictObject({
    session: sessionSchema,
    server: endpointSchema,
    ticket: z.string(),
    existing: z.boolean().exactOptional().describe("Set where the player held this place before the call"),
    party: z
      .array(z.strictObject({ session: sessionSchema, ticket: z.string() }))
      .exactOptional()
      .describe("The others of the party"),
  })
  .meta({ id: "Placement" });
true satisfies Same<z.output<typeof placementSchema>, Placement>;

export const queuedSchema = z
  .strictObject({
    queueTicket: z.string(),
    position: z.number().describe("1 is next"),
    estimatedWaitMs: z.number().nullable().describe("At the pace of the last two minutes; null where none is known"),
    sessionId: z.string(),
    deadlineAt: timeSchema,
    reason: z.string(),
  })
  .meta({ id: "Queued" });
true satisfies Same<z.output<typeof queuedSchema>, Queued>;

export const followSchema = z
  .strictObject({ session: sessionSchema, server: endpointSchema.nullable(), ticket: z.string().nullable() })
  .meta({ id: "Follow" });
true satisfies Same<z.output<typeof followSchema>, FollowResult>;

export const createSessionBody = z
  .strictObject({
    playerId: playerIdSchema,
    experienceId: nameSchema,
    version: versionWishSchema.exactOptional(),
    clientVersion: clientVersionSchema.exactOptional(),
    mods: modsSchema.exactOptional(),
    region: nameSchema.exactOptional().describe("Nowhere else, even if it does not answer"),
    latencies: latenciesSchema.exactOptional(),
    party: z.array(playerIdSchema).max(64).exactOptional().describe("Placed together, all or none"),
    deadlineMs: deadlineMsSchema.exactOptional(),
  })
  .meta({ id: "CreateSession" });

const PLAIN_KEYS = new Set(["playerId", "experienceId", "version", "latencies"]);
const PLAIN_PLAYER = /^[\x20-\x7e]{1,128}$/;
const PLAIN_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const PLAIN_REGIONS = 64;

/** Whether it is the body of one who comes alone, surely as `createSessionBody` takes it: asked first, as it is for nearly all, and costs little. */
export function isPlainCreateSession(body: unknown): body is z.output<typeof createSessionBody> {
  if (typeof body !== "object" || body === null) return false;
  for (const key in body) if (!PLAIN_KEYS.has(key)) return false;
  const { playerId, experienceId, version, latencies } = body as Readonly<Record<string, unknown>>;
  return (
    typeof playerId === "string" &&
    PLAIN_PLAYER.test(playerId) &&
    typeof experienceId === "string" &&
    PLAIN_NAME.test(experienceId) &&
    (version === undefined || (typeof version === "string" && version.length > 0 && version.length <= 64)) &&
    (latencies === undefined || arePlainLatencies(latencies))
  );
}

function arePlainLatencies(latencies: unknown): boolean {
  if (typeof latencies !== "object" || latencies === null || Array.isArray(latencies)) return false;
  let regions = 0;
  for (const region in latencies) {
    const ms = (latencies as Readonly<Record<string, unknown>>)[region];
    if (++regions > PLAIN_REGIONS || !PLAIN_NAME.test(region)) return false;
    if (!(typeof ms === "number" && ms >= 0 && ms <= 60_000)) return false;
  }
  return true;
}

export const sessionsQuery = z.strictObject({
  ...regionQuery,
  playerId: playerIdSchema.exactOptional(),
  experienceId: nameSchema.exactOptional(),
  ...pageQuery,
});

export const followQuery = z.strictObject({
  wait: waitSchema
    .exactOptional()
    .describe(
      "Follow: answer once its generation is above `generation` and it has a seat, or it ended, or after so many seconds",
    ),
  generation: queryNumber(0, 1e12).exactOptional().describe("What the caller knows; a ticket's own where not given"),
});

export const updateSessionBody = z
  .strictObject({
    latencyMs: z.number().min(0).max(60_000).exactOptional(),
    packetLoss: z.number().min(0).max(1).exactOptional(),
    lastActivity: z.iso.datetime({ offset: true }).exactOptional().describe("A time yet to come counts as now"),
  })
  .meta({ id: "UpdateSession" });

export const endSessionQuery = z.strictObject({ reason: z.string().min(1).max(256).exactOptional() });

export const routePlayersBody = z
  .strictObject({
    players: z.array(playerIdSchema).min(1).max(256).meta({ uniqueItems: true }),
    clientVersion: clientVersionSchema.exactOptional(),
  })
  .refine(({ players }) => new Set(players).size === players.length, { path: ["players"], message: "each player once" })
  .meta({ id: "RoutePlayers" });
export const placementsSchema = z
  .strictObject({ items: z.array(placementSchema), next: z.null() })
  .meta({ id: "Placements" });
