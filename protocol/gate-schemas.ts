import * as z from "zod";
import { count, id, port, text } from "./fields";
import type { FromGate, GateHello, OpenServer, ToGate } from "./gate-messages";
import type { Schemas, Wire } from "./wire";

const gateHello: z.ZodType<Wire<GateHello>> = z.object({
  type: z.literal("gateHello"),
  protocol: count,
  gateVersion: text,
  startedAtMs: z.number().nonnegative().optional(),
  retiring: z.literal(true).optional(),
  servers: z.array(
    z.object({
      serverId: id,
      allocationId: id,
      port,
      streams: count,
      everStreamed: z.boolean(),
      watchers: count.exactOptional(),
    }),
  ),
});

const stream = { serverId: id, streams: count };

/** By `type`: the check of a message that a gate sends to its agent. */
export const fromGateSchemas = {
  gateHello,
  opened: z.object({ type: z.literal("opened"), serverId: id, port }),
  openFailed: z.object({ type: z.literal("openFailed"), serverId: id, port, detail: text }),
  call: z.object({
    type: z.literal("call"),
    id: count,
    serverId: id,
    method: text,
    path: text,
    query: z.record(z.string(), z.string()),
    body: z.unknown().optional(),
    repeated: z.literal(true).optional(),
  }),
  streamOpened: z.object({ type: z.literal("streamOpened"), ...stream }),
  streamEnded: z.object({ type: z.literal("streamEnded"), ...stream }),
  watchers: z.object({ type: z.literal("watchers"), serverId: id, watchers: count }),
} satisfies Schemas<FromGate>;

const open: z.ZodType<Wire<OpenServer>> = z.object({
  type: z.literal("open"),
  serverId: id,
  allocationId: id,
  port,
  token: text,
  pids: z.array(count).optional(),
  sdk: z.literal("agones").exactOptional(),
});

/** By `type`: the check of a message that an agent sends to its gate. */
export const toGateSchemas = {
  open,
  closeServer: z.object({ type: z.literal("closeServer"), serverId: id }),
  answer: z.object({
    type: z.literal("answer"),
    id: count,
    status: z.int().min(100).max(599),
    body: z.unknown().optional(),
  }),
  push: z.object({ type: z.literal("push"), serverId: id, event: text, data: z.unknown().optional() }),
  agonesState: z.object({ type: z.literal("agonesState"), serverId: id, gameServer: z.unknown().optional() }),
} satisfies Schemas<ToGate>;
