import type { CommandValues } from "../../core/decision";
import { json } from "../answer";
import { type ApiContext, ask } from "../api-context";
import { mergedList } from "../merged-list";
import { regionOfId } from "../region-of-id";
import { type AnyRoute, type Call, route } from "../route";
import { listOf, noQuery } from "../schemas/common";
import { queueEntrySchema, queueParams, queueQuery, waitQueueQuery } from "../schemas/queue";
import { placementSchema, queuedSchema } from "../schemas/session";
import { regionOfQuery } from "./located";
import { notYours } from "./ownership";

interface TicketParams {
  readonly queueTicket: string;
}

export const queueRoutes: readonly AnyRoute[] = [
  route({
    key: "GET /v1/queue",
    tag: "queue",
    summary: "Who waits, longest first",
    query: queueQuery,
    responses: { 200: { description: "A page of the queue", schema: listOf(queueEntrySchema) } },
    region: regionOfQuery,
    handle(call, api) {
      const { experienceId } = call.query;
      const local = () =>
        ask(api, call.caller, { type: "listQueue", ...(experienceId !== undefined && { experienceId }) });
      return mergedList(call, api, { local, keyOf: ({ since, queueTicket }) => `${since} ${queueTicket}` });
    },
  }),

  route({
    key: "GET /v1/queue/:queueTicket",
    tag: "queue",
    summary: "Wait for a place",
    params: queueParams,
    query: waitQueueQuery,
    responses: {
      200: { description: "A seat is held", schema: placementSchema },
      202: { description: "Still waiting", schema: queuedSchema },
    },
    region: regionOfTicket,
    patienceMs: ({ query }) => (query.wait ?? 0) * 1000,
    own: requireOwnTicket,
    async handle({ params, query, caller }, api) {
      const waitMs = (query.wait ?? 0) * 1000;
      const result = await ask(api, caller, {
        type: "waitQueue",
        queueTicket: params.queueTicket,
        untilMs: api.clock.now() + waitMs,
      });
      return json("queueTicket" in result ? 202 : 200, result);
    },
  }),

  route({
    key: "DELETE /v1/queue/:queueTicket",
    tag: "queue",
    summary: "Give up waiting",
    params: queueParams,
    query: noQuery,
    responses: { 200: { description: "What was given up", schema: queuedSchema } },
    action: "queue.leave",
    region: regionOfTicket,
    own: requireOwnTicket,
    async handle({ params, caller }, api) {
      return json(200, await ask(api, caller, { type: "leaveQueue", queueTicket: params.queueTicket }));
    },
  }),
];

function regionOfTicket({ params }: Call<TicketParams>, { backend }: ApiContext): string {
  return regionOfId(params.queueTicket, backend.regions()) ?? backend.region;
}

async function requireOwnTicket({ params, caller }: Call<TicketParams>, api: ApiContext): Promise<void> {
  const state = await ask(api, caller, {
    type: "waitQueue",
    queueTicket: params.queueTicket,
    untilMs: api.clock.now(),
  });
  if ((await playerOf(state, caller, api)) !== caller.actor.sub)
    throw notYours(`queue ticket ${params.queueTicket}`, caller);
}

async function playerOf(state: CommandValues["waitQueue"], caller: Call["caller"], api: ApiContext): Promise<string> {
  if ("session" in state) return state.session.playerId;
  const { playerId } = await ask(api, caller, { type: "getSession", sessionId: state.sessionId });
  return playerId;
}
