import { z } from "zod";
import type { QueueEntry } from "../../core/resources";
import { SEALED_MOST } from "../queue-seal";
import { nameSchema, pageQuery, regionQuery, timeSchema, waitSchema } from "./common";
import type { Same } from "./same";
import { queuedSchema } from "./session";

export const queueEntrySchema = z
  .strictObject({
    ...queuedSchema.shape,
    region: z.string(),
    playerId: z.string(),
    experienceId: z.string(),
    party: z.array(z.string()),
    since: timeSchema,
  })
  .meta({ id: "QueueEntry" });
true satisfies Same<z.output<typeof queueEntrySchema>, QueueEntry>;

export const queueParams = z.strictObject({
  queueTicket: z
    .string()
    .min(1)
    .max(SEALED_MOST)
    .regex(/^[A-Za-z0-9._~-]+$/, "not a queue ticket"),
});
export const queueQuery = z.strictObject({ ...regionQuery, experienceId: nameSchema.exactOptional(), ...pageQuery });
export const waitQueueQuery = z.strictObject({
  wait: waitSchema.exactOptional().describe("Seconds to wait for a place; 0 where not given"),
});
