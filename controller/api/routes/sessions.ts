import type { z } from "zod";
import { wishOf } from "../../core/version-wish";
import { ProblemError } from "../../problems";
import { type Answer, json } from "../answer";
import { type ApiContext, ask, valueOf } from "../api-context";
import { mergedList } from "../merged-list";
import { placeSomewhere, type Placing } from "../placing";
import { type AnyRoute, type Call, route } from "../route";
import { idParams, listOf, noQuery } from "../schemas/common";
import {
  createSessionBody,
  endSessionQuery,
  followQuery,
  followSchema,
  isPlainCreateSession,
  placementSchema,
  queuedSchema,
  sessionSchema,
  sessionsQuery,
  updateSessionBody,
} from "../schemas/session";
import { sealed } from "../sealed";
import { regionOfPathId, regionOfQuery } from "./located";
import { notYours, requireOwnSession } from "./ownership";

const session = { description: "The session", schema: sessionSchema };

export const sessionRoutes: readonly AnyRoute[] = [
  route({
    key: "POST /v1/sessions",
    tag: "sessions",
    summary: "Place a player, or their whole party",
    query: noQuery,
    body: createSessionBody,
    plainBody: isPlainCreateSession,
    responses: {
      200: { description: "A seat is held: connect with the ticket", schema: placementSchema },
      202: { description: "No seat yet: wait in the queue", schema: queuedSchema },
    },
    action: "session.create",
    own({ body, caller }) {
      if (body.playerId !== caller.actor.sub) throw notYours(`player ${JSON.stringify(body.playerId)}`, caller);
      if (body.party?.some((playerId) => playerId !== caller.actor.sub))
        throw new ProblemError(
          "notYours",
          "a player places only themselves; a party is placed with an allocator's token",
        );
    },
    handle(call, api) {
      const { body } = call;
      return placeSomewhere(call, api, {
        region: body.region,
        wish: () => wishOfSession(body),
        here: () => createHere(call, api),
      });
    },
  }),

  route({
    key: "GET /v1/sessions",
    tag: "sessions",
    summary: "Find sessions of a player or an experience",
    query: sessionsQuery,
    responses: { 200: { description: "A page of sessions", schema: listOf(sessionSchema) } },
    region: regionOfQuery,
    own({ query, caller }) {
      if (query.playerId !== undefined && query.playerId !== caller.actor.sub)
        throw notYours(`player ${JSON.stringify(query.playerId)}`, caller);
    },
    handle(call, api) {
      const { experienceId } = call.query;
      const playerId = call.caller.grant === "own" ? call.caller.actor.sub : call.query.playerId;
      const filter = {
        ...(playerId !== undefined && { playerId }),
        ...(experienceId !== undefined && { experienceId }),
      };
      return mergedList(call, api, {
        local: () => ask(api, call.caller, { type: "findSessions", ...filter }),
        keyOf: ({ id }) => id,
      });
    },
  }),

  route({
    key: "GET /v1/sessions/:id",
    tag: "sessions",
    summary: "Read a session, or follow it with ?wait=",
    params: idParams,
    query: followQuery,
    responses: {
      200: {
        description: "The session; with ?wait= where it is now, with a fresh ticket",
        schema: sessionSchema.or(followSchema),
      },
    },
    region: regionOfPathId,
    patienceMs: ({ query }) => (query.wait ?? 0) * 1000,
    own: ({ params, caller }, api) => requireOwnSession(params.id, caller, api),
    async handle(call, api) {
      const { params, query, caller } = call;
      if (query.wait === undefined)
        return json(200, await ask(api, caller, { type: "getSession", sessionId: params.id }));
      return follow(call, query.wait, api);
    },
  }),

  route({
    key: "PATCH /v1/sessions/:id",
    tag: "sessions",
    summary: "Report latency, loss and activity",
    params: idParams,
    query: noQuery,
    body: updateSessionBody,
    responses: { 200: session },
    action: "session.update",
    region: regionOfPathId,
    own: ({ params, caller }, api) => requireOwnSession(params.id, caller, api),
    async handle({ params, body: { lastActivity, ...measured }, caller }, api) {
      const lastActivityMs =
        lastActivity === undefined ? undefined : Math.min(Date.parse(lastActivity), api.clock.now());
      return json(
        200,
        await ask(api, caller, {
          type: "updateSession",
          sessionId: params.id,
          ...measured,
          ...(lastActivityMs !== undefined && { lastActivityMs }),
        }),
      );
    },
  }),

  route({
    key: "DELETE /v1/sessions/:id",
    tag: "sessions",
    summary: "Disconnect a player and free the seat",
    params: idParams,
    query: endSessionQuery,
    responses: { 200: session },
    action: "session.end",
    region: regionOfPathId,
    own: ({ params, caller }, api) => requireOwnSession(params.id, caller, api),
    async handle({ params, query, caller }, api) {
      return json(
        200,
        await ask(api, caller, {
          type: "endSession",
          sessionId: params.id,
          reason: query.reason ?? `ended by ${caller.actor.sub}`,
        }),
      );
    },
  }),
];

function wishOfSession({
  region,
  playerId,
  experienceId,
  version,
  clientVersion,
  mods = [],
  latencies = {},
  party = [],
}: z.output<typeof createSessionBody>): ReturnType<Placing["wish"]> {
  const partySize = party.includes(playerId) ? party.length : party.length + 1;
  return { experienceId, version: wishOf(version, clientVersion), mods, region, latencies, partySize };
}

/** Taking a key out costs a good part of a seat, so only where it is there. */
function withoutRegion({ region: _chosen, ...wanted }: z.output<typeof createSessionBody>): typeof wanted {
  return wanted;
}

function createHere(
  { body, caller }: Call<unknown, unknown, z.output<typeof createSessionBody>>,
  api: ApiContext,
): Promise<Answer> {
  const wanted = body.region === undefined ? body : withoutRegion(body);
  // One promise less than asking would take: this is the call that comes thousands of times a second.
  return api.backend.command<"createSession">({ type: "createSession", ...wanted }, caller.actor).then((result) => {
    const value = valueOf<"createSession">(result);
    return "queueTicket" in value ? json(202, sealed(value, api)) : json(200, value);
  });
}

/** Without a generation from query or ticket, the answer comes as soon as the session has a seat. */
async function follow(
  { params, query, caller }: Call<{ readonly id: string }, { readonly generation?: number }>,
  waitSecs: number,
  api: ApiContext,
): Promise<Answer> {
  const afterGeneration = query.generation ?? caller.ticket?.generation ?? -1;
  const waitMs = waitSecs * 1000;
  const followed = await ask(api, caller, {
    type: "followSession",
    sessionId: params.id,
    afterGeneration,
    fromServerId: caller.ticket?.serverId,
    untilMs: api.clock.now() + waitMs,
  });
  // A ticket is a seat: those who only look, or run the server, get none.
  const seesTicket = caller.actor.role !== "viewer" && caller.actor.role !== "server";
  return json(200, seesTicket ? followed : { ...followed, ticket: null });
}
