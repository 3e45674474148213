import { z } from "zod";
import { PROBLEMS, type Problem, type ProblemCode } from "../../problems";
import type { Same } from "./same";

export const problemSchema = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.number(),
    code: z
      .enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]])
      .describe("Stable; docs/errors.md lists them"),
    detail: z.string(),
    retryable: z.boolean(),
    requestId: z.string().exactOptional(),
    errors: z.array(z.strictObject({ pointer: z.string(), detail: z.string() })).exactOptional(),
    info: z.record(z.string(), z.unknown()).exactOptional(),
  })
  .meta({ id: "Problem" });
true satisfies Same<z.output<typeof problemSchema>, Problem>;
