import { z } from "zod";
import type { DecisionRecord } from "../../core/resources";
import { timeSchema } from "./common";
import type { Same } from "./same";

export const decisionSchema = z
  .strictObject({
    id: z.string(),
    at: timeSchema,
    kind: z.enum(["route", "scale", "failover", "queue", "drain", "spawn", "stop", "match", "rollout"]),
    subject: z.string(),
    outcome: z.string(),
    reasons: z.array(z.string()),
    considered: z.array(z.strictObject({ id: z.string(), score: z.number(), parts: z.record(z.string(), z.number()) })),
  })
  .meta({ id: "Decision" });
true satisfies Same<z.output<typeof decisionSchema>, DecisionRecord>;
