import { ProblemError } from "../../problems";
import { json } from "../answer";
import type { ApiContext } from "../api-context";
import { type AnyRoute, route } from "../route";
import { regionOnlyQuery, shiftActionBody, shiftStatusSchema, shiftWishSchema } from "../schemas/shift";
import { regionOfQueryOrHere } from "./located";

const status = { description: "The plan, and what was measured", schema: shiftStatusSchema };

export const shiftRoutes: readonly AnyRoute[] = [
  route({
    key: "GET /v1/shift",
    tag: "shift",
    summary:
      "How far new matches have moved from an Agones cluster to Forge; of this region where ?region= is not given",
    query: regionOnlyQuery,
    responses: { 200: status },
    region: regionOfQueryOrHere,
    handle: async (_call, api) => json(200, await shiftOf(api).status()),
  }),

  route({
    key: "PUT /v1/shift",
    tag: "shift",
    summary: "Plan a shift; it waits for its start",
    query: regionOnlyQuery,
    body: shiftWishSchema,
    responses: { 200: status },
    action: "shift.plan",
    region: regionOfQueryOrHere,
    async handle({ body }, api) {
      await shiftOf(api).plan(body);
      return json(200, await shiftOf(api).status());
    },
  }),

  route({
    key: "POST /v1/shift",
    tag: "shift",
    summary: "Start, pause, resume, abort or finish it; an abort gives every new match to Agones again, in one write",
    query: regionOnlyQuery,
    body: shiftActionBody,
    responses: { 200: status },
    action: "shift.act",
    region: regionOfQueryOrHere,
    async handle({ body, caller }, api) {
      await shiftOf(api).act(body.action, caller.actor.sub);
      return json(200, await shiftOf(api).status());
    },
  }),
];

function shiftOf({ shift }: ApiContext) {
  if (shift === undefined) throw new ProblemError("unavailable", "this controller drives no shifts");
  return shift;
}
