import * as z from "zod";
import { amount, count, counters, id, list, lists, ms, port, strings, text } from "./fields";
import { arePlainSeatReports } from "./frequent-messages";
import type { ExpectedServer, SavedState, SeatReport, ServerReport, SessionCarry } from "./messages";
import type { Wire } from "./wire";

/** The shapes of `expected-server.ts`, `server-report.ts` and `server-stats.ts` as checks. */

/** The same as the schema, which is asked only where the value is not surely plain. */
function quickly<T>(plain: (value: unknown) => boolean, schema: z.ZodType<T>): z.ZodType<T> {
  return z.unknown().transform((value, context) => {
    if (plain(value)) return value as T;
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    for (const { path, message } of result.error.issues)
      context.issues.push({ code: "custom", path, message, input: value });
    return z.NEVER;
  });
}

export const carrySchema: z.ZodType<Wire<SessionCarry>> = z.object({
  experienceId: text,
  version: text,
  mods: z.array(text),
  party: z.array(text),
  requestedRegion: text.optional(),
  latencies: z.record(z.string(), amount),
  connectedAtMs: ms,
  matchId: text.optional(),
});

export const restoreSchema = z.object({ data: text, savedAtMs: ms });

export const statsSchema = z.object({
  cpu: amount,
  memoryBytes: amount,
  players: count,
  responseMs: amount.optional(),
  errorRate: amount.optional(),
  throttled: amount.optional(),
  disk: z.object({ used: amount, folder: text }).optional(),
  atMs: ms,
});

export const savedSchema: z.ZodType<Wire<SavedState>> = z.object({
  serverId: id,
  playerId: id.optional(),
  data: text,
  atMs: ms,
});

const check = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("sdk"), initialDelayMs: ms.optional() }),
  z.object({ kind: z.literal("http"), path: text, port: text, metricsPath: text.optional() }),
  z.object({ kind: z.literal("tcp"), port: text }),
  z.object({ kind: z.literal("query"), protocol: text, port: text }),
  z.object({ kind: z.literal("log"), ready: text.optional() }),
  z.object({ kind: z.literal("process") }),
]);

export const expectedServerSchema: z.ZodType<Wire<ExpectedServer>> = z.object({
  serverId: id,
  allocationId: id,
  region: text,
  experienceId: text,
  version: text,
  role: text,
  sdk: z.enum(["forge", "agones", "none"]),
  seats: z.enum(["reported", "match", "observed", "none"]),
  maxPlayers: count,
  address: text,
  ports: z.record(z.string(), port),
  pids: z.record(z.string(), count),
  logFile: text.optional(),
  sdkToken: text,
  health: z.object({
    check,
    intervalMs: ms,
    timeoutMs: ms,
    unhealthyThreshold: count,
    healthyThreshold: count,
  }),
  log: z.object({ joined: text, left: text }).optional(),
  cpu: amount,
  memory: amount,
  readyTimeoutMs: ms,
  leaseMs: ms,
  volumes: z.array(text).optional(),
  labels: strings.optional(),
  annotations: strings.optional(),
  counters: counters.optional(),
  lists: lists.optional(),
  tracked: list.optional(),
  restore: restoreSchema.optional(),
});

export const seatReportSchema: z.ZodType<Wire<SeatReport>> = z.object({
  sessionId: id,
  playerId: id,
  generation: count,
  joined: z.boolean(),
  grantedAtMs: ms,
  joinedAtMs: ms.optional(),
  leaseExpiresAtMs: ms.optional(),
  carry: carrySchema,
});

export const seatReportsSchema: z.ZodType<readonly Wire<SeatReport>[]> = quickly(
  arePlainSeatReports,
  z.array(seatReportSchema),
);

export const serverReportSchema: z.ZodType<Wire<ServerReport>> = z.object({
  serverId: id,
  allocationId: id,
  expect: expectedServerSchema,
  ready: z.boolean(),
  reserved: z.boolean(),
  selfAllocated: z.boolean().exactOptional(),
  healthy: z.boolean(),
  closed: z.boolean(),
  claim: z.object({ matchId: id, sessionIds: z.array(id) }).optional(),
  seats: seatReportsSchema,
  walkIns: count,
  gone: z.object({ reason: text, atMs: ms }).optional(),
  stats: statsSchema.optional(),
  labels: strings,
  annotations: strings,
  counters: counters.exactOptional(),
  lists: lists.exactOptional(),
  tracked: list.optional(),
});
