import { json } from "../answer";
import { ask } from "../api-context";
import { pageOf } from "../page";
import { type AnyRoute, route } from "../route";
import { idParams, listOf, noQuery, pageQuerySchema } from "../schemas/common";
import { placementsSchema, routePlayersBody, sessionSchema } from "../schemas/session";
import { regionOfPathId } from "./located";
import { notYours } from "./ownership";

export const serverSessionRoutes: readonly AnyRoute[] = [
  route({
    key: "POST /v1/servers/:id/sessions",
    tag: "sessions",
    summary: "Route these players to this server, all or none",
    params: idParams,
    query: noQuery,
    body: routePlayersBody,
    responses: { 200: { description: "A placement for each player", schema: placementsSchema } },
    action: "session.route",
    region: regionOfPathId,
    async handle({ params, body, caller }, api) {
      return json(200, {
        items: await ask(api, caller, { type: "routePlayers", serverId: params.id, ...body }),
        next: null,
      });
    },
  }),

  route({
    key: "GET /v1/servers/:id/sessions",
    tag: "sessions",
    summary: "List the sessions on a server",
    params: idParams,
    query: pageQuerySchema,
    responses: { 200: { description: "A page of sessions", schema: listOf(sessionSchema) } },
    region: regionOfPathId,
    own({ params, caller }) {
      if (caller.actor.sub !== params.id) throw notYours(`server ${params.id}`, caller);
    },
    async handle({ params, query, caller }, api) {
      await ask(api, caller, { type: "getServer", serverId: params.id });
      const sessions = await ask(api, caller, { type: "findSessions", serverId: params.id });
      return json(
        200,
        pageOf(sessions, ({ id }) => id, query),
      );
    },
  }),
];
