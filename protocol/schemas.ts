import { z } from "zod";
import { allocateOrderSchema, countsSchema } from "./allocation-schemas";
import { arePlainSeatReports } from "./frequent-messages";
import type {
  Ack,
  AgentEvent,
  ExpectedServer,
  FromAgent,
  FromController,
  Hello,
  RegionDrain,
  RequestBody,
  SavedState,
  SeatReport,
  SeatRequest,
  ServerReport,
  SessionCarry,
} from "./messages";

/**
 * The shapes of `messages.ts` as checks (those of `gate-messages.ts` are in `gate-schemas.ts`). Keys that this version does not know are dropped, not
 * refused: a newer program on the other side may send more. Unknown kinds are refused: both sides speak the version
 * that they agreed on, and what it does not have cannot be meant.
 */

/** What JSON makes of a type: a value that may be undefined may be missing. */
export type Wire<T> = unknown extends T
  ? unknown
  : T extends string | number | boolean | null | undefined
    ? T
    : T extends readonly (infer Item)[]
      ? readonly Wire<Item>[]
      : { [K in keyof T as undefined extends T[K] ? never : K]: Wire<T[K]> } & {
          [K in keyof T as undefined extends T[K] ? K : never]?: Wire<T[K]> | undefined;
        };

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

const id = z.string().min(1).max(256);
const text = z.string();
const count = z.int().nonnegative();
/** Milliseconds since 1970, or of a span; fractions come from some clocks. */
const ms = z.number().nonnegative();
const amount = z.number();
const port = z.int().min(0).max(65535);
const strings = z.record(z.string(), z.string());
const changes = z.record(z.string(), z.string().nullable());

const counter = z.object({ count, capacity: count });
const counters = z.record(z.string(), counter);
const list = z.object({ capacity: count, values: z.array(text) });
const lists = z.record(z.string(), list);

const carry: z.ZodType<Wire<SessionCarry>> = z.object({
  experienceId: text,
  version: text,
  mods: z.array(text),
  party: z.array(text),
  requestedRegion: text.optional(),
  latencies: z.record(z.string(), amount),
  connectedAtMs: ms,
  matchId: text.optional(),
});

const restore = z.object({ data: text, savedAtMs: ms });

const stats = z.object({
  cpu: amount,
  memoryBytes: amount,
  players: count,
  responseMs: amount.optional(),
  errorRate: amount.optional(),
  throttled: amount.optional(),
  disk: z.object({ used: amount, folder: text }).optional(),
  atMs: ms,
});

const saved: z.ZodType<Wire<SavedState>> = z.object({
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
  restore: restore.optional(),
});

const seatRequest: z.ZodType<Wire<SeatRequest>> = z.object({
  sessionId: id,
  playerId: id,
  generation: count,
  carry,
  restore: restore.optional(),
});

export const seatReportSchema: z.ZodType<Wire<SeatReport>> = z.object({
  sessionId: id,
  playerId: id,
  generation: count,
  joined: z.boolean(),
  grantedAtMs: ms,
  joinedAtMs: ms.optional(),
  leaseExpiresAtMs: ms.optional(),
  carry,
});

const seatReports: z.ZodType<readonly Wire<SeatReport>[]> = quickly(arePlainSeatReports, z.array(seatReportSchema));

const serverReport: z.ZodType<Wire<ServerReport>> = z.object({
  serverId: id,
  allocationId: id,
  expect: expectedServerSchema,
  ready: z.boolean(),
  reserved: z.boolean(),
  selfAllocated: z.boolean().exactOptional(),
  healthy: z.boolean(),
  closed: z.boolean(),
  claim: z.object({ matchId: id, sessionIds: z.array(id) }).optional(),
  seats: seatReports,
  walkIns: count,
  gone: z.object({ reason: text, atMs: ms }).optional(),
  stats: stats.optional(),
  labels: strings,
  annotations: strings,
  counters: counters.exactOptional(),
  lists: lists.exactOptional(),
  tracked: list.optional(),
});

const onServer = { serverId: id, allocationId: id };

const notice = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("draining"), deadlineMs: ms.exactOptional(), reason: text }),
  z.object({ kind: z.literal("moved"), playerIds: z.array(id), reason: text }),
  z.object({ kind: z.literal("stopping"), graceMs: ms }),
  z.object({ kind: z.literal("peers"), role: text, addresses: z.array(text) }),
]);

const drain: z.ZodType<Wire<RegionDrain>> = z.object({ on: z.boolean(), epoch: count, atMs: ms, movesAtMs: ms });

const requestBody: z.ZodType<Wire<RequestBody>> = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("epoch"), drain: drain.optional() }),
  z.object({ kind: z.literal("expect"), server: expectedServerSchema }),
  z.object({ kind: z.literal("grant"), ...onServer, seats: z.array(seatRequest), leaseMs: ms }),
  z.object({ kind: z.literal("claim"), ...onServer, matchId: id, seats: z.array(seatRequest), leaseMs: ms }),
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

const ack: z.ZodType<Wire<Ack>> = z.discriminatedUnion("ok", [
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
    ]),
    detail: text,
  }),
]);

const at = { ...onServer, atMs: ms };

const agentEvent: z.ZodType<Wire<AgentEvent>> = z.discriminatedUnion("kind", [
  z.object({ ...at, kind: z.literal("ready") }),
  z.object({ ...at, kind: z.literal("reserved"), untilMs: ms.optional() }),
  z.object({ ...at, kind: z.literal("selfAllocated") }),
  z.object({ ...at, kind: z.literal("matchEnded"), matchId: id }),
  z.object({ ...at, kind: z.literal("health"), healthy: z.boolean(), reason: text }),
  z.object({ ...at, kind: z.literal("stats"), stats }),
  z.object({ ...at, kind: z.literal("granted"), epoch: count, seats: seatReports, matchId: id.optional() }),
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
  z.object({ ...at, kind: z.literal("saved"), state: saved }),
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
    servers: z.array(serverReport),
    saved: z.array(saved),
    drain: drain.optional(),
  }),
  ack,
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
  request: z.object({ type: z.literal("request"), id: count, epoch: count, body: requestBody }),
  ping,
} satisfies Schemas<FromController>;

/** One check for each `type` of a union of messages, and none missing. */
export type Schemas<Message extends { readonly type: string }> = {
  readonly [Type in Message["type"]]: z.ZodType<Wire<Message & { readonly type: Type }>>;
};
