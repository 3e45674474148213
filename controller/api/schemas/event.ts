import { z } from "zod";
import type { ForgeEvent } from "../../core/resources";
import { idSchema, nameSchema } from "./common";

export const eventTypes = [
  "server.spawned",
  "server.placed",
  "server.ready",
  "server.allocated",
  "server.draining",
  "server.suspect",
  "server.strained",
  "server.unhealthy",
  "server.stopping",
  "server.terminated",
  "server.blocked",
  "server.replaced",
  "session.queued",
  "session.reserved",
  "session.joined",
  "session.left",
  "session.migrating",
  "session.moved",
  "session.ended",
  "session.lost",
  "failover",
  "scaling",
  "rollout",
  "node.connected",
  "node.suspect",
  "node.down",
  "node.isolated",
  "node.restored",
  "leader.changed",
  "config.changed",
  "config.rejected",
  "region.draining",
  "region.moving",
  "region.stuck",
  "region.drained",
  "region.undrained",
] as const satisfies readonly ForgeEvent["type"][];
true satisfies ForgeEvent["type"] extends (typeof eventTypes)[number] ? true : false;

/** `server.*` stands for all of a kind. */
const typeFilter = z
  .string()
  .max(512)
  .transform((text) => text.split(","))
  .refine(
    (filters) =>
      filters.every((filter) =>
        eventTypes.some((type) => type === filter || (filter.endsWith(".*") && type.startsWith(filter.slice(0, -1)))),
      ),
    {
      message: `one or more of ${eventTypes.join(", ")}, or server.*, session.*, node.*, region.*, separated by commas`,
    },
  );

export const eventsQuery = z.strictObject({
  lastEventId: z.string().max(1024).exactOptional().describe("As the Last-Event-ID header, which wins"),
  region: z
    .union([z.literal("*"), nameSchema])
    .exactOptional()
    .describe("Another region's events, or `*` for all; this one's where not given"),
  type: typeFilter.exactOptional(),
  serverId: idSchema.exactOptional(),
  sessionId: idSchema.exactOptional(),
  experienceId: nameSchema.exactOptional(),
});
export type EventsQuery = z.output<typeof eventsQuery>;
