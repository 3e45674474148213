import type { CommandValues } from "../../core/decision";
import type { QueueClaim } from "../../core/queue-claim";
import { ProblemError } from "../../problems";
import { json } from "../answer";
import { type ApiContext, ask } from "../api-context";
import { mergedList } from "../merged-list";
import { openQueueTicket } from "../queue-seal";
import { regionOfId } from "../region-of-id";
import { type AnyRoute, type Call, route } from "../route";
import { listOf, noQuery } from "../schemas/common";
import { sealed } from "../sealed";
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
      const untilMs = api.clock.now() + (query.wait ?? 0) * 1000;
      const result = await ask(api, caller, { type: "waitQueue", ...opened(params, api), untilMs });
      return "queueTicket" in result ? json(202, sealed(result, api)) : json(200, result);
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
      return json(200, sealed(await ask(api, caller, { type: "leaveQueue", ...opened(params, api) }), api));
    },
  }),
];

function regionOfTicket({ params }: Call<TicketParams>, { backend }: ApiContext): string {
  return regionOfId(params.queueTicket, backend.regions()) ?? backend.region;
}

/** @throws {ProblemError} unknownQueueTicket */
function opened(
  { queueTicket }: TicketParams,
  { ticketSecrets }: ApiContext,
): { readonly queueTicket: string; readonly claim?: QueueClaim } {
  const ticket = openQueueTicket(ticketSecrets(), queueTicket);
  if (!ticket) throw new ProblemError("unknownQueueTicket", "the queue ticket was not sealed by this run");
  return { queueTicket: ticket.queueTicket, ...(ticket.claim && { claim: ticket.claim }) };
}

async function requireOwnTicket({ params, caller }: Call<TicketParams>, api: ApiContext): Promise<void> {
  const state = await ask(api, caller, { type: "waitQueue", ...opened(params, api), untilMs: api.clock.now() });
  if ((await playerOf(state, caller, api)) !== caller.actor.sub)
    throw notYours(`queue ticket ${params.queueTicket.slice(0, 64)}`, caller);
}

async function playerOf(state: CommandValues["waitQueue"], caller: Call["caller"], api: ApiContext): Promise<string> {
  if ("session" in state) return state.session.playerId;
  const { playerId } = await ask(api, caller, { type: "getSession", sessionId: state.sessionId });
  return playerId;
}
