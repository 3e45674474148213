import { json } from "../answer";
import { ask } from "../api-context";
import { type AnyRoute, route } from "../route";
import { idParams, noQuery } from "../schemas/common";
import { decisionSchema } from "../schemas/decision";
import { regionOfPathId } from "./located";

export const decisionRoutes: readonly AnyRoute[] = [
  route({
    key: "GET /v1/decisions/:id",
    tag: "decisions",
    summary: "Why something was decided",
    params: idParams,
    query: noQuery,
    responses: { 200: { description: "What was known, what was weighed, what came out", schema: decisionSchema } },
    region: (call, api) => {
      const { id } = call.params;
      return api.backend.regions().some(({ name }) => name === id) ? id : regionOfPathId(call, api);
    },
    async handle({ params, caller }, api) {
      return json(200, await ask(api, caller, { type: "getDecision", id: params.id }));
    },
  }),
];
