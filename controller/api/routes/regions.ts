import type { Region } from "../../core/resources";
import { json } from "../answer";
import { type ApiContext, ask } from "../api-context";
import { type Caller, mayIn } from "../caller";
import { regionOf } from "../region-view";
import { type AnyRoute, type Call, route } from "../route";
import { arrivalBody, arrivalOf } from "../schemas/arrival";
import { listOf, noQuery } from "../schemas/common";
import { drainQuery, regionParams, regionSchema, regionSummarySchema, regionsQuery } from "../schemas/region";
import { placementsSchema } from "../schemas/session";
import { unheardSchema } from "../schemas/unheard";
import { regionOfQuery } from "./located";

/** How long a region looks for seats for those who come. */
const ARRIVALS_MS = 22_000;

const region = { description: "The region", schema: regionSchema };
const named = ({ params }: Call<{ readonly name: string }>): string => params.name;

export const regionRoutes: readonly AnyRoute[] = [
  route({
    key: "GET /v1/regions",
    tag: "regions",
    summary: "Health, load and capacity of each region; one that does not answer is down",
    query: regionsQuery,
    responses: { 200: { description: "All regions", schema: listOf(regionSchema) } },
    region: regionOfQuery,
    async handle(call, api) {
      const here = api.backend.region;
      if (call.forwarded || call.query.region !== undefined)
        return json(200, { items: [await regionHere(call.caller, api)], next: null });
      const names = api.backend.regions().filter(({ name }) => mayIn(call.caller.actor, name));
      const items = await Promise.all(
        names.map((known) => (known.name === here ? regionHere(call.caller, api) : regionOf(call, api, known))),
      );
      return json(200, { items, next: null });
    },
  }),

  route({
    key: "GET /v1/regions/:name/summary",
    tag: "regions",
    summary: "What other regions need to choose for a player",
    params: regionParams,
    query: noQuery,
    responses: { 200: { description: "The summary", schema: regionSummarySchema } },
    region: named,
    async handle({ caller }, api) {
      return json(200, (await ask(api, caller, { type: "getRegion" })).summary);
    },
  }),

  route({
    key: "GET /v1/regions/:name/unheard",
    tag: "regions",
    summary: "Who sits on nodes that a region's leader does not hear; its other controllers ask when they start",
    params: regionParams,
    query: noQuery,
    responses: { 200: { description: "Nodes with seats", schema: listOf(unheardSchema) } },
    region: named,
    async handle({ caller }, api) {
      return json(200, { items: await ask(api, caller, { type: "tellUnheard" }), next: null });
    },
  }),

  route({
    key: "POST /v1/regions/:name/arrivals",
    tag: "regions",
    summary: "Take in a party or match of a region that is being drained; regions of a run ask each other",
    params: regionParams,
    query: noQuery,
    body: arrivalBody,
    responses: { 200: { description: "Where each of them has a seat", schema: placementsSchema } },
    action: "region.arrivals",
    weight: "waiting",
    patienceMs: () => ARRIVALS_MS,
    region: named,
    async handle({ caller, body }, api) {
      return json(200, { items: await ask(api, caller, { type: "takeIn", ...arrivalOf(body) }), next: null });
    },
  }),

  route({
    key: "POST /v1/regions/:name/drain",
    tag: "regions",
    summary: "Place no new players in a region, and move those it has to other regions",
    params: regionParams,
    query: drainQuery,
    responses: { 200: region },
    action: "region.drain",
    region: named,
    async handle({ caller, query: { after } }, api) {
      const wish = { type: "drainRegion" as const, on: true, ...(after !== undefined && { afterSecs: after }) };
      return json(200, here(await ask(api, caller, wish), api));
    },
  }),

  route({
    key: "DELETE /v1/regions/:name/drain",
    tag: "regions",
    summary: "Take players again; those who were moved stay where they are",
    params: regionParams,
    query: noQuery,
    responses: { 200: region },
    action: "region.undrain",
    region: named,
    async handle({ caller }, api) {
      return json(200, here(await ask(api, caller, { type: "drainRegion", on: false }), api));
    },
  }),
];

/** Where its nodes are is nothing that players need to know. */
async function regionHere(caller: Caller, api: ApiContext): Promise<Region> {
  const region = here((await ask(api, caller, { type: "getRegion" })).region, api);
  return caller.actor.role === "player" ? { ...region, nodes: [] } : region;
}

function here(status: Omit<Region, "url" | "ping" | "leader">, { backend }: ApiContext): Region {
  const url = backend.regions().find(({ name }) => name === backend.region)?.url ?? null;
  return { ...status, url, ping: backend.ping, leader: backend.status().leader ? backend.controllerId : null };
}
