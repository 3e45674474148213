import { createHash } from "node:crypto";
import { json } from "../answer";
import { type ApiContext, ask } from "../api-context";
import { mergedList } from "../merged-list";
import { type AnyRoute, type Call, route } from "../route";
import { idParams, listOf, noQuery } from "../schemas/common";
import { labelBody, serverSchema, serversQuery, spawnBody, spawnQuery, terminateQuery } from "../schemas/server";
import { regionOfPathId, regionOfQuery } from "./located";
import { notYours } from "./ownership";

const server = { description: "The server", schema: serverSchema };

export const serverRoutes: readonly AnyRoute[] = [
  route({
    key: "POST /v1/servers",
    tag: "servers",
    summary: "Spawn a server",
    query: spawnQuery,
    body: spawnBody,
    responses: { 201: server },
    action: "server.spawn",
    region: ({ body }) => body.region,
    patienceMs: ({ query }, { spawnWaitMs }) => (query.wait ? spawnWaitMs : 0),
    async handle(call, api) {
      const { region: _here, ...spec } = call.body;
      const serverId = serverIdOf(call, api);
      const waitReady = call.query.wait === "ready";
      const spawned = await ask(api, call.caller, {
        type: "spawnServer",
        ...spec,
        ...(serverId !== undefined && { serverId }),
        waitReady,
      });
      return json(201, spawned, { location: `/v1/servers/${spawned.id}` });
    },
  }),

  route({
    key: "GET /v1/servers",
    tag: "servers",
    summary: "List servers of this or all regions",
    query: serversQuery,
    responses: { 200: { description: "A page of servers", schema: listOf(serverSchema) } },
    region: regionOfQuery,
    handle(call, api) {
      const { experienceId, state } = call.query;
      const filter = { ...(experienceId !== undefined && { experienceId }), ...(state !== undefined && { state }) };
      return mergedList(call, api, {
        local: () => ask(api, call.caller, { type: "listServers", ...filter }),
        keyOf: ({ id }) => id,
      });
    },
  }),

  route({
    key: "GET /v1/servers/:id",
    tag: "servers",
    summary: "Read a server",
    params: idParams,
    query: noQuery,
    responses: { 200: server },
    region: regionOfPathId,
    own: requireOwnServer,
    async handle({ params, caller }, api) {
      return json(200, await ask(api, caller, { type: "getServer", serverId: params.id }));
    },
  }),

  route({
    key: "PATCH /v1/servers/:id",
    tag: "servers",
    summary: "Set labels and annotations",
    params: idParams,
    query: noQuery,
    body: labelBody,
    responses: { 200: server },
    action: "server.label",
    region: regionOfPathId,
    own: requireOwnServer,
    async handle({ params, body, caller }, api) {
      return json(200, await ask(api, caller, { type: "labelServer", serverId: params.id, ...body }));
    },
  }),

  route({
    key: "DELETE /v1/servers/:id",
    tag: "servers",
    summary: "Terminate a server after draining it or moving its players",
    params: idParams,
    query: terminateQuery,
    responses: { 200: { description: "The server, draining or ended", schema: serverSchema } },
    action: "server.terminate",
    region: regionOfPathId,
    async handle({ params, query, caller }, api) {
      const reason = query.reason ?? `terminated by ${caller.actor.sub}`;
      return json(
        200,
        await ask(api, caller, {
          type: "terminateServer",
          serverId: params.id,
          drainSecs: query.drain ?? 0,
          force: query.force ?? false,
          reason,
        }),
      );
    },
  }),
];

/**
 * With an Idempotency-Key the server's id follows from caller, region and key: the core starts nothing twice for one
 * id, so the key holds even where the controller was restarted in between.
 */
function serverIdOf({ request, caller }: Call, { backend }: ApiContext): string | undefined {
  const key = request.headers["idempotency-key"];
  if (typeof key !== "string") return undefined;
  const hash = createHash("sha256")
    .update(`forge-spawn\n${caller.actor.role}\n${caller.actor.sub}\n${backend.region}\n${key}`)
    .digest("hex");
  return `srv-${backend.region}-${hash.slice(0, 20)}`;
}

function requireOwnServer({ params, caller }: Call<{ readonly id: string }>): void {
  if (caller.actor.sub !== params.id) throw notYours(`server ${params.id}`, caller);
}
