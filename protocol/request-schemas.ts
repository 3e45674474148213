import * as z from "zod";
import { allocateOrderSchema, countsSchema } from "./allocation-schemas";
import { changes, count, id, ms, onServer, port, text } from "./fields";
import type { Ack, RegionDrain, RequestBody, SeatRequest } from "./messages";
import { carrySchema, expectedServerSchema, restoreSchema } from "./server-schemas";
import type { Wire } from "./wire";

/** The shapes of `requests.ts` and `region-drain.ts` as checks. */

const seatRequest: z.ZodType<Wire<SeatRequest>> = z.object({
  sessionId: id,
  playerId: id,
  generation: count,
  carry: carrySchema,
  restore: restoreSchema.optional(),
});

const notice = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("draining"), deadlineMs: ms.exactOptional(), reason: text }),
  z.object({ kind: z.literal("moved"), playerIds: z.array(id), reason: text }),
  z.object({ kind: z.literal("stopping"), graceMs: ms }),
  z.object({ kind: z.literal("peers"), role: text, addresses: z.array(text) }),
]);

export const drainSchema: z.ZodType<Wire<RegionDrain>> = z.object({
  on: z.boolean(),
  epoch: count,
  atMs: ms,
  movesAtMs: ms,
});

export const requestBodySchema: z.ZodType<Wire<RequestBody>> = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("epoch"), drain: drainSchema.optional() }),
  z.object({ kind: z.literal("expect"), server: expectedServerSchema }),
  z.object({ kind: z.literal("grant"), ...onServer, seats: z.array(seatRequest), leaseMs: ms }),
  z.object({
    kind: z.literal("claim"),
    ...onServer,
    matchId: id,
    ongoing: z.literal(true).optional(),
    seats: z.array(seatRequest),
    leaseMs: ms,
  }),
  z.object({ kind: z.literal("allocate"), ...onServer, order: allocateOrderSchema }),
  z.object({
    kind: z.literal("release"),
    ...onServer,
    seats: z.array(z.object({ sessionId: id, generation: count })),
    reason: text,
  }),
  z.object({ kind: z.literal("close"), ...onServer, onlyIfEmpty: z.boolean() }),
  z.object({ kind: z.literal("notice"), ...onServer, notice }),
  z.object({ kind: z.literal("labels"), ...onServer, labels: changes, annotations: changes }),
  z.object({ kind: z.literal("forget"), ...onServer }),
  z.object({ kind: z.literal("ended"), ...onServer, reason: text }),
  z.object({
    kind: z.literal("reach"),
    ...onServer,
    address: text,
    port,
    how: z.discriminatedUnion("kind", [
      z.object({ kind: z.enum(["tcp", "http", "ws"]) }),
      z.object({ kind: z.literal("query"), protocol: text }),
    ]),
    timeoutMs: ms,
  }),
]);

export const ackSchema: z.ZodType<Wire<Ack>> = z.discriminatedUnion("ok", [
  z.object({
    type: z.literal("ack"),
    id: count,
    ok: z.literal(true),
    epoch: count,
    seats: z
      .array(z.object({ sessionId: id, playerId: id, generation: count, ticket: text, leaseExpiresAtMs: ms }))
      .exactOptional(),
    free: z.int().exactOptional(),
    counts: countsSchema.exactOptional(),
  }),
  z.object({
    type: z.literal("ack"),
    id: count,
    ok: z.literal(false),
    epoch: count,
    code: z.enum([
      "staleEpoch",
      "unknownServer",
      "otherAllocation",
      "notReady",
      "full",
      "closed",
      "claimed",
      "notEmpty",
      "gone",
      "unhealthy",
      "olderGeneration",
      "replaying",
      "journal",
      "malformed",
      "unreachable",
      "matchOver",
    ]),
    detail: text,
  }),
]);
