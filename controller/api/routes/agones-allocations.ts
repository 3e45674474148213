import { allocationAnswer, LOCAL_SOURCE } from "../../agones/allocation-answer";
import { allocationSpecSchema, specProblems } from "../../agones/allocation-spec";
import { ProblemError } from "../../problems";
import { json } from "../answer";
import { ask } from "../api-context";
import { type AnyRoute, route } from "../route";
import { agonesAllocateBody, allocationResponseSchema } from "../schemas/agones-allocation";
import { noQuery } from "../schemas/common";

/** What Agones' allocation service asks, for who has a token of Forge's; regions pass allocations on by it too. */
export const agonesAllocationRoutes: readonly AnyRoute[] = [
  route({
    key: "POST /v1/gameserverallocations",
    tag: "allocations",
    summary: "A whole server for who names no players, as Agones allocates",
    query: noQuery,
    body: agonesAllocateBody,
    responses: { 200: { description: "The server", schema: allocationResponseSchema } },
    action: "server.allocate",
    region: ({ body }, { backend }) => body.region ?? backend.region,
    async handle({ body, caller }, api) {
      const parsed = allocationSpecSchema.safeParse(body.spec);
      if (!parsed.success) throw new ProblemError("invalid", specProblems(parsed.error));
      const server = await ask(api, caller, { type: "allocateServer", request: parsed.data.request });
      return json(200, allocationAnswer(server, LOCAL_SOURCE));
    },
  }),
];
