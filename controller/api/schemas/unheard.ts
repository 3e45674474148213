import { z } from "zod";
import { savedSchema, seatReportSchema } from "../../../protocol/server-schemas";
import type { Wire } from "../../../protocol/wire";
import type { UnheardNode } from "../../core/unheard-nodes";

export const unheardSchema = z
  .strictObject({
    nodeId: z.string(),
    heardMs: z
      .number()
      .describe("When it was last heard, in milliseconds since 1970; 0 where this controller never did"),
    servers: z.array(
      z.strictObject({
        serverId: z.string(),
        allocationId: z.string(),
        matchId: z.string().exactOptional().describe("The match that has the whole of it"),
        seats: z.array(seatReportSchema).readonly(),
      }),
    ),
    saved: z.array(savedSchema).describe("What its servers saved, of players and of themselves"),
  })
  .meta({ id: "UnheardNode" });

/** As they come from another controller, for the core. */
export const unheardNodesSchema = z.object({ items: z.array(unheardSchema) });

/** What is not in the JSON is undefined to the core. */
export function unheardOf(items: readonly z.output<typeof unheardSchema>[]): UnheardNode[] {
  return items satisfies readonly Wire<UnheardNode>[] as unknown as UnheardNode[];
}
