import { z } from "zod";
import type { Arrival } from "../../core/arrival";
import {
  annotationsSchema,
  idSchema,
  labelsSchema,
  latenciesSchema,
  modsSchema,
  nameSchema,
  playerIdSchema,
  VERSION_MOST,
} from "./common";

/** A player's saved state has at most 4 KiB; in JSON a character of it may be longer. */
const STATE_CHARACTERS = 4096;

const arrivingPlayer = z.strictObject({
  playerId: playerIdSchema,
  party: z.array(playerIdSchema).max(256),
  latencies: latenciesSchema,
  connectedAtMs: z.number().nonnegative(),
  sessionId: idSchema.describe("The session in the region that is left"),
  generation: z.int().nonnegative(),
  moves: z.int().nonnegative(),
  restore: z.strictObject({ data: z.string().max(STATE_CHARACTERS), savedAtMs: z.number() }).exactOptional(),
});

/** As the core carries it: what was named, and the client's own version. */
const wishSchema = z
  .string()
  .min(1)
  .max(2 * VERSION_MOST + 1);

export const arrivalBody = z
  .strictObject({
    fromRegion: nameSchema,
    experienceId: nameSchema,
    version: wishSchema.exactOptional(),
    mods: modsSchema,
    match: z
      .strictObject({ matchId: idSchema, labels: labelsSchema, annotations: annotationsSchema })
      .exactOptional()
      .describe("Takes a whole server"),
    players: z.array(arrivingPlayer).min(1).max(256),
  })
  .meta({ id: "Arrival" });
type Body = z.output<typeof arrivalBody>;

/** What is not in the JSON is undefined to the core. */
export function arrivalOf({ version, match, players, ...body }: Body): Arrival {
  return { ...body, version, match, players: players.map(({ restore, ...player }) => ({ ...player, restore })) };
}
