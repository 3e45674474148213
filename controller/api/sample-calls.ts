import type { RouteKey } from "./access";

export interface SampleCall {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string;
  readonly body?: unknown;
}

/** For tests: one right call of every route, about things of the double's that belong to player `ann` and server `srv-local-1`. */
export const SAMPLE_CALLS: Readonly<Record<RouteKey, SampleCall>> = {
  "POST /v1/servers": { method: "POST", url: "/v1/servers", body: { experienceId: "arena", region: "local" } },
  "GET /v1/servers": { method: "GET", url: "/v1/servers" },
  "GET /v1/servers/:id": { method: "GET", url: "/v1/servers/srv-local-1" },
  "PATCH /v1/servers/:id": {
    method: "PATCH",
    url: "/v1/servers/srv-local-1",
    body: { labels: { mode: "duel", old: null } },
  },
  "DELETE /v1/servers/:id": { method: "DELETE", url: "/v1/servers/srv-local-1?drain=30&force=false" },
  "GET /v1/servers/:id/logs": { method: "GET", url: "/v1/servers/srv-local-1/logs?tailBytes=1000" },
  "POST /v1/servers/:id/sessions": {
    method: "POST",
    url: "/v1/servers/srv-local-1/sessions",
    body: { players: ["ann", "ben"] },
  },
  "GET /v1/servers/:id/sessions": { method: "GET", url: "/v1/servers/srv-local-1/sessions" },
  "POST /v1/sessions": { method: "POST", url: "/v1/sessions", body: { playerId: "ann", experienceId: "arena" } },
  "GET /v1/sessions": { method: "GET", url: "/v1/sessions?playerId=ann" },
  "GET /v1/sessions/:id": { method: "GET", url: "/v1/sessions/ses-local-1" },
  "PATCH /v1/sessions/:id": {
    method: "PATCH",
    url: "/v1/sessions/ses-local-1",
    body: { latencyMs: 31.5, packetLoss: 0.01 },
  },
  "DELETE /v1/sessions/:id": { method: "DELETE", url: "/v1/sessions/ses-local-1" },
  "GET /v1/queue": { method: "GET", url: "/v1/queue?experienceId=arena" },
  "GET /v1/queue/:queueTicket": { method: "GET", url: "/v1/queue/que-local-1?wait=0" },
  "DELETE /v1/queue/:queueTicket": { method: "DELETE", url: "/v1/queue/que-local-1" },
  "POST /v1/allocations": {
    method: "POST",
    url: "/v1/allocations",
    body: { experienceId: "arena", matchId: "match-1", players: [{ playerId: "ann" }] },
  },
  "POST /v1/gameserverallocations": {
    method: "POST",
    url: "/v1/gameserverallocations",
    body: { spec: { selectors: [{ matchLabels: { "agones.dev/fleet": "arena" } }] } },
  },
  "GET /api": { method: "GET", url: "/api" },
  "GET /api/v1": { method: "GET", url: "/api/v1" },
  "GET /apis": { method: "GET", url: "/apis" },
  "GET /apis/agones.dev/v1": { method: "GET", url: "/apis/agones.dev/v1" },
  "GET /apis/allocation.agones.dev/v1": { method: "GET", url: "/apis/allocation.agones.dev/v1" },
  "GET /version": { method: "GET", url: "/version" },
  "GET /apis/agones.dev/v1/namespaces/:namespace/gameservers": {
    method: "GET",
    url: "/apis/agones.dev/v1/namespaces/default/gameservers",
  },
  "GET /apis/agones.dev/v1/gameservers": { method: "GET", url: "/apis/agones.dev/v1/gameservers" },
  "GET /apis/agones.dev/v1/namespaces/:namespace/gameservers/:name": {
    method: "GET",
    url: "/apis/agones.dev/v1/namespaces/default/gameservers/srv-local-1",
  },
  "GET /apis/agones.dev/v1/namespaces/:namespace/fleets": {
    method: "GET",
    url: "/apis/agones.dev/v1/namespaces/default/fleets",
  },
  "GET /apis/agones.dev/v1/fleets": { method: "GET", url: "/apis/agones.dev/v1/fleets" },
  "GET /apis/agones.dev/v1/namespaces/:namespace/fleets/:name": {
    method: "GET",
    url: "/apis/agones.dev/v1/namespaces/default/fleets/arena",
  },
  "POST /apis/allocation.agones.dev/v1/namespaces/:namespace/gameserverallocations": {
    method: "POST",
    url: "/apis/allocation.agones.dev/v1/namespaces/default/gameserverallocations",
    body: { spec: { selectors: [{ matchLabels: { "agones.dev/fleet": "arena" } }] } },
  },
  "GET /v1/fleets": { method: "GET", url: "/v1/fleets" },
  "GET /v1/fleets/:experienceId": { method: "GET", url: "/v1/fleets/arena?region=local" },
  "PUT /v1/fleets/:experienceId": {
    method: "PUT",
    url: "/v1/fleets/arena",
    body: { desired: 3, policy: { maxServers: 20 } },
  },
  "GET /v1/regions": { method: "GET", url: "/v1/regions" },
  "GET /v1/regions/:name/summary": { method: "GET", url: "/v1/regions/local/summary" },
  "GET /v1/regions/:name/unheard": { method: "GET", url: "/v1/regions/local/unheard" },
  "POST /v1/regions/:name/arrivals": {
    method: "POST",
    url: "/v1/regions/local/arrivals",
    body: {
      fromRegion: "us-east",
      experienceId: "arena",
      mods: [],
      players: [
        {
          playerId: "ann",
          party: [],
          latencies: {},
          connectedAtMs: 1,
          sessionId: "ses-us-east-1",
          generation: 1,
          moves: 0,
        },
      ],
    },
  },
  "POST /v1/regions/:name/drain": { method: "POST", url: "/v1/regions/local/drain" },
  "DELETE /v1/regions/:name/drain": { method: "DELETE", url: "/v1/regions/local/drain" },
  "GET /v1/shift": { method: "GET", url: "/v1/shift" },
  "PUT /v1/shift": {
    method: "PUT",
    url: "/v1/shift",
    body: {
      experienceId: "arena",
      agones: { url: "https://allocator.example", namespace: "games", fleet: "arena" },
      steps: [10, 100],
      gate: { holdSecs: 600, minMatches: 100, maxErrorRate: 0.01, maxP99Ms: 500, maxLost: 0 },
      soakSecs: 86_400,
    },
  },
  "POST /v1/shift": { method: "POST", url: "/v1/shift", body: { action: "start" } },
  "GET /v1/events": { method: "GET", url: "/v1/events?type=server.*,scaling" },
  "GET /v1/decisions/:id": { method: "GET", url: "/v1/decisions/dec-local-1" },
  "GET /v1/audit": { method: "GET", url: "/v1/audit" },
  "POST /v1/tokens": { method: "POST", url: "/v1/tokens", body: { sub: "ann", role: "player" } },
  "GET /health": { method: "GET", url: "/health" },
  "GET /ready": { method: "GET", url: "/ready" },
  "GET /metrics": { method: "GET", url: "/metrics" },
  "GET /openapi.json": { method: "GET", url: "/openapi.json" },
  "GET /.well-known/jwks.json": { method: "GET", url: "/.well-known/jwks.json" },
};

/** Calls whose answer has no end of its own. */
export const ENDLESS: readonly RouteKey[] = ["GET /v1/events"];
