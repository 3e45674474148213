import * as z from "zod";
import { amount, count, counters, id, list, lists, ms, onServer, strings, text } from "./fields";
import type { AgentEvent, FromAgent, FromController, Hello } from "./messages";
import { ackSchema, drainSchema, requestBodySchema } from "./request-schemas";
import { savedSchema, seatReportsSchema, serverReportSchema, statsSchema } from "./server-schemas";
import type { Schemas, Wire } from "./wire";

/**
 * The shapes of `messages.ts` as checks; those of what it is made of are in `server-schemas.ts`, `request-schemas.ts` and
 * `allocation-schemas.ts`, those of `gate-messages.ts` in `gate-schemas.ts`. Keys that this version does not know are dropped, not
 * refused: a newer program on the other side may send more. Unknown kinds are refused: both sides speak the version
 * that they agreed on, and what it does not have cannot be meant.
 */

const hello: z.ZodType<Wire<Hello>> = z.object({
  type: z.literal("hello"),
  protocol: z.object({ oldest: count, newest: count }),
  nodeId: id,
  region: text,
  bootId: id,
  agentVersion: text,
  epoch: count,
  node: z.object({
    address: text,
    cpu: amount,
    memory: amount,
    limits: z.object({ cpu: z.boolean(), memory: z.boolean(), detail: text }),
  }),
  can: z.array(text).exactOptional(),
});

const at = { ...onServer, atMs: ms };

const agentEvent: z.ZodType<Wire<AgentEvent>> = z.discriminatedUnion("kind", [
  z.object({ ...at, kind: z.literal("ready") }),
  z.object({ ...at, kind: z.literal("reserved"), untilMs: ms.optional() }),
  z.object({ ...at, kind: z.literal("selfAllocated") }),
  z.object({ ...at, kind: z.literal("matchEnded"), matchId: id }),
  z.object({ ...at, kind: z.literal("health"), healthy: z.boolean(), reason: text }),
  z.object({ ...at, kind: z.literal("stats"), stats: statsSchema }),
  z.object({ ...at, kind: z.literal("granted"), epoch: count, seats: seatReportsSchema, matchId: id.optional() }),
  z.object({ ...at, kind: z.literal("joined"), sessionId: id, generation: count }),
  z.object({
    ...at,
    kind: z.literal("left"),
    sessionId: id,
    generation: count,
    reason: z.enum(["left", "leaseExpired", "released", "matchEnded"]),
  }),
  z.object({ ...at, kind: z.literal("walkIns"), count }),
  z.object({ ...at, kind: z.literal("shutdownAsked") }),
  z.object({ ...at, kind: z.literal("gone"), reason: text }),
  z.object({ ...at, kind: z.literal("saved"), state: savedSchema }),
  z.object({ ...at, kind: z.literal("labels"), labels: strings, annotations: strings }),
  z.object({ ...at, kind: z.literal("counts"), counters, lists, tracked: list.optional() }),
]);

const ping = z.object({ type: z.literal("ping"), atMs: ms });

/** By `type`: the check of a message that an agent sends to a controller. */
export const fromAgentSchemas = {
  hello,
  snapshot: z.object({
    type: z.literal("snapshot"),
    epoch: count,
    servers: z.array(serverReportSchema),
    saved: z.array(savedSchema),
    drain: drainSchema.optional(),
  }),
  ack: ackSchema,
  report: z.object({ type: z.literal("report"), events: z.array(agentEvent) }),
  ping,
} satisfies Schemas<FromAgent>;

/** By `type`: the check of a message that a controller sends to an agent. */
export const fromControllerSchemas = {
  welcome: z.object({
    type: z.literal("welcome"),
    protocol: count,
    controllerId: id,
    region: text,
    leader: z.boolean(),
    epoch: count,
  }),
  refused: z.object({
    type: z.literal("refused"),
    code: z.enum(["protocolVersion", "region", "auth"]),
    detail: text,
  }),
  request: z.object({ type: z.literal("request"), id: count, epoch: count, body: requestBodySchema }),
  ping,
} satisfies Schemas<FromController>;
