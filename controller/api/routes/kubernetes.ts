import type { z } from "zod";
import { allocate } from "../../agones/allocate";
import type { AllocationResponse } from "../../agones/allocation-wire";
import { GrpcError } from "../../agones/grpc-status";
import { DISCOVERY } from "../../kubernetes/discovery";
import { ALLOCATION_GROUP, toTheSecond } from "../../kubernetes/objects";
import type { ResourceView } from "../../kubernetes/resource-view";
import { fieldSelector, labelSelector, SelectorError } from "../../kubernetes/selectors";
import { statusObject } from "../../kubernetes/status";
import { WatchStream } from "../../kubernetes/watch-stream";
import { type Answer, JSON_TYPE, json } from "../answer";
import type { ApiContext } from "../api-context";
import type { RouteKey } from "../access";
import { type AnyRoute, type Call, route } from "../route";
import {
  gameServerAllocationBody,
  kubeListQuery,
  kubeQuery,
  namespaceParams,
  objectParams,
} from "../schemas/kubernetes";

type ListQuery = z.output<typeof kubeListQuery>;
type Kind = "GameServer" | "Fleet";

const TAG = "kubernetes";
const anyJson = (description: string) => ({ 200: { description, contentType: "application/json" } });

/** A namespace is a region, `default` the one that is asked. Undefined where there is none of that name. */
function regionOf(namespace: string, { backend }: ApiContext): string | undefined {
  if (namespace === "default") return backend.region;
  return backend.regions().find(({ name }) => name === namespace)?.name;
}

function namespaceOf({ params }: Call<{ readonly namespace?: string }>): string {
  return params.namespace ?? "default";
}

function namespaced(call: Call<{ readonly namespace?: string }>, api: ApiContext): string | undefined {
  return regionOf(namespaceOf(call), api);
}

function discovery(key: RouteKey, summary: string, object: object): AnyRoute {
  return route({
    key,
    tag: TAG,
    summary,
    query: kubeQuery,
    responses: anyJson(summary),
    handle: () => json(200, object),
  });
}

/** Of the namespace in its path, or where that names none, of the region that is asked. */
function listRoute(key: RouteKey, kind: Kind, summary: string): AnyRoute {
  return route<{ readonly namespace?: string }, ListQuery, unknown>({
    key,
    tag: TAG,
    summary,
    ...(key.includes("/:namespace/") && { params: namespaceParams }),
    query: kubeListQuery,
    responses: anyJson(`A list, or with ?watch=true its changes, an object a line`),
    weight: "streaming",
    region: namespaced,
    handle: (call, api) => listed(kind, namespaceOf(call), call.query, api),
  });
}

function getRoute(key: RouteKey, kind: Kind, summary: string): AnyRoute {
  return route({
    key,
    tag: TAG,
    summary,
    params: objectParams,
    query: kubeQuery,
    responses: anyJson("The object"),
    region: namespaced,
    async handle({ params: { namespace, name } }, api) {
      const view = viewOf(kind, namespace, api);
      const found = (await view?.list())?.items.find(({ metadata }) => metadata.name === name);
      return found === undefined ? notFound(kind, name) : json(200, found);
    },
  });
}

/**
 * The few routes of Kubernetes' API with which directors built for Agones allocate servers and look at fleets:
 * `kubectl`, client-go and `@kubernetes/client-node` work with them, given a token of Forge's.
 */
export const kubernetesRoutes: readonly AnyRoute[] = [
  discovery("GET /api", "Which versions of Kubernetes' core there are", DISCOVERY.versions),
  discovery("GET /api/v1", "Which resources of Kubernetes' core there are: none", DISCOVERY.core),
  discovery("GET /apis", "Which groups there are", DISCOVERY.groups),
  discovery("GET /apis/agones.dev/v1", "Which resources Agones has here", DISCOVERY.agones),
  discovery("GET /apis/allocation.agones.dev/v1", "Which allocations there are", DISCOVERY.allocation),
  discovery("GET /version", "Which Kubernetes this is like", DISCOVERY.version),

  listRoute("GET /apis/agones.dev/v1/namespaces/:namespace/gameservers", "GameServer", "Servers as GameServers"),
  listRoute("GET /apis/agones.dev/v1/gameservers", "GameServer", "Servers of this region as GameServers"),
  getRoute("GET /apis/agones.dev/v1/namespaces/:namespace/gameservers/:name", "GameServer", "A server as a GameServer"),
  listRoute("GET /apis/agones.dev/v1/namespaces/:namespace/fleets", "Fleet", "Experiences as Fleets"),
  listRoute("GET /apis/agones.dev/v1/fleets", "Fleet", "Experiences of this region as Fleets"),
  getRoute("GET /apis/agones.dev/v1/namespaces/:namespace/fleets/:name", "Fleet", "An experience as a Fleet"),

  route({
    key: "POST /apis/allocation.agones.dev/v1/namespaces/:namespace/gameserverallocations",
    tag: TAG,
    summary: "Allocate a server, as a GameServerAllocation that is created",
    params: namespaceParams,
    query: kubeQuery,
    body: gameServerAllocationBody,
    responses: { 201: { description: "The same with its status", contentType: "application/json" } },
    action: "server.allocate",
    region: namespaced,
    async handle({ params: { namespace }, body, caller }, { backend, tokens }) {
      const token = (): string =>
        tokens.mint({ sub: caller.actor.sub, role: caller.actor.role, regions: caller.actor.regions }).token;
      try {
        const allocated = await allocate({ backend, token }, namespace, body.spec ?? {}, caller.actor);
        return json(201, allocationObject(body, namespace, allocated));
      } catch (error) {
        if (!(error instanceof GrpcError)) throw error;
        // None left, and others were quicker, are what an allocation came to, and no failures.
        const state = { RESOURCE_EXHAUSTED: "UnAllocated", ABORTED: "Contention" }[error.code as string];
        if (state !== undefined) return json(201, allocationObject(body, namespace, state));
        const invalid = error.code === "INVALID_ARGUMENT";
        const [status, reason] = invalid ? ([422, "Invalid"] as const) : ([503, "ServiceUnavailable"] as const);
        return json(status, statusObject(status, reason, error.message));
      }
    },
  }),
];

function allocationObject(
  { metadata, spec }: z.output<typeof gameServerAllocationBody>,
  namespace: string,
  outcome: AllocationResponse | string,
): object {
  const head = { kind: "GameServerAllocation", apiVersion: ALLOCATION_GROUP };
  const creationTimestamp = toTheSecond(new Date().toISOString());
  if (typeof outcome === "string") {
    const status = { state: outcome, gameServerName: "", source: "local" };
    return { ...head, metadata: { ...metadata, namespace, creationTimestamp }, spec: spec ?? {}, status };
  }
  const { gameServerName, counters, lists, ...rest } = outcome;
  const status = {
    state: "Allocated",
    gameServerName,
    ...rest,
    counters: mapped(counters, ({ count, capacity }) => ({ count: Number(count), capacity: Number(capacity) })),
    lists: mapped(lists, ({ values, capacity }) => ({ values, capacity: Number(capacity) })),
  };
  const name = metadata?.name ?? gameServerName;
  return { ...head, metadata: { ...metadata, name, namespace, creationTimestamp }, spec: spec ?? {}, status };
}

async function listed(kind: Kind, namespace: string, query: ListQuery, api: ApiContext): Promise<Answer> {
  const view = viewOf(kind, namespace, api);
  let matches: ReturnType<typeof labelSelector>;
  try {
    const [byLabel, byField] = [labelSelector(query.labelSelector ?? ""), fieldSelector(query.fieldSelector ?? "")];
    matches = (object) => byLabel(object) && byField(object);
  } catch (error) {
    if (!(error instanceof SelectorError)) throw error;
    return json(400, statusObject(400, "BadRequest", error.message));
  }
  if (query.sendInitialEvents === true) {
    return json(
      422,
      statusObject(422, "Invalid", "a list and a watch are two calls here: sendInitialEvents is not taken"),
    );
  }
  if (query.watch === true && view) return watched(view, matches, query, api);
  const { items, version } = (await view?.list()) ?? { items: [], version: 0 };
  return json(200, {
    kind: `${kind}List`,
    apiVersion: "agones.dev/v1",
    metadata: { resourceVersion: String(version) },
    items: items.filter(matches),
  });
}

async function watched(
  view: ResourceView,
  matches: ReturnType<typeof labelSelector>,
  { resourceVersion = "", timeoutSeconds, allowWatchBookmarks: bookmarks = false }: ListQuery,
  { clock, closing }: ApiContext,
): Promise<Answer> {
  const fresh = resourceVersion === "" || resourceVersion === "0";
  const { items, version } = fresh ? await view.list() : { items: [], version: Number(resourceVersion) };
  const timeoutMs = timeoutSeconds === undefined ? undefined : timeoutSeconds * 1000;
  const body = new WatchStream({ view, clock, matches, since: version, bookmarks, timeoutMs }, items);
  const end = (): void => void body.destroy();
  closing.addEventListener("abort", end);
  body.once("close", () => closing.removeEventListener("abort", end));
  return { status: 200, contentType: JSON_TYPE, headers: { "cache-control": "no-store" }, body };
}

function viewOf(kind: Kind, namespace: string, api: ApiContext): ResourceView | undefined {
  return regionOf(namespace, api) === undefined ? undefined : api.kubernetes.view(kind, namespace);
}

function notFound(kind: Kind, name: string): Answer {
  const plural = kind === "Fleet" ? "fleets" : "gameservers";
  return json(404, statusObject(404, "NotFound", `${plural}.agones.dev "${name.slice(0, 128)}" not found`));
}

function mapped<From, To>(table: Readonly<Record<string, From>>, to: (from: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(table).map(([name, value]) => [name, to(value)]));
}
