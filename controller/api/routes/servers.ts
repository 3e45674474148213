import { createHash } from "node:crypto";
import { orderedJson } from "../../../config/ordered-json";
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
      const waitReady = call.query.wait === "ready";
      const spawned = await ask(api, call.caller, {
        type: "spawnServer",
        ...spec,
        ...idOf(spec, call, api),
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

/** So many hex digits of a spawned server's id are the key's, and so many tell what was asked for with it. */
const KEY_DIGITS = 14;
const SPEC_DIGITS = 6;

/**
 * With an Idempotency-Key the server's id follows from caller, region and key, and its last digits from the body: the
 * core starts nothing twice for one id, nor anything else for one key, so the key holds even where the controller was
 * restarted in between. The query only says how long the caller waits.
 */
function idOf(
  spec: object,
  { request, caller }: Call,
  { backend }: ApiContext,
): { readonly serverId?: string; readonly keyPrefix?: string } {
  const key = request.headers["idempotency-key"];
  if (typeof key !== "string") return {};
  const { role, sub } = caller.actor;
  const ofKey = digest(`forge-spawn\n${role}\n${sub}\n${backend.region}\n${key}`, KEY_DIGITS);
  const keyPrefix = `srv-${backend.region}-${ofKey}`;
  return { serverId: keyPrefix + digest(orderedJson(spec), SPEC_DIGITS), keyPrefix };
}

function digest(text: string, digits: number): string {
  return createHash("sha256").update(text).digest("hex").slice(0, digits);
}

function requireOwnServer({ params, caller }: Call<{ readonly id: string }>): void {
  if (caller.actor.sub !== params.id) throw notYours(`server ${params.id}`, caller);
}
