import { ProblemError } from "../../problems";
import { JSON_TYPE, json } from "../answer";
import { type AnyRoute, route } from "../route";

const anyJson = (description: string) => ({ description, contentType: "application/json" });

/** Calls about the controller itself, open to all. */
export const metaRoutes: readonly AnyRoute[] = [
  route({
    key: "GET /health",
    tag: "controller",
    summary: "Whether this process answers",
    responses: { 200: anyJson("It does") },
    handle: (_call, { backend }) =>
      json(200, { status: "ok", region: backend.region, controllerId: backend.controllerId }),
  }),

  route({
    key: "GET /ready",
    tag: "controller",
    summary: "Whether this controller can place players",
    responses: { 200: anyJson("It can") },
    handle(_call, { backend }) {
      const { ready, leader, epoch, detail } = backend.status();
      if (!ready) throw new ProblemError("notReady", detail, { info: { leader, epoch } });
      return json(200, { status: "ready", region: backend.region, leader, epoch, detail });
    },
  }),

  route({
    key: "GET /metrics",
    tag: "controller",
    summary: "Numbers for Prometheus",
    responses: { 200: { description: "Prometheus text format", contentType: "text/plain" } },
    async handle(_call, { metrics }) {
      return { status: 200, contentType: metrics.contentType, body: await metrics.render() };
    },
  }),

  route({
    key: "GET /openapi.json",
    tag: "controller",
    summary: "This contract",
    responses: { 200: anyJson("OpenAPI 3.1") },
    handle: (_call, { openApi }) => ({ status: 200, contentType: JSON_TYPE, body: openApi() }),
  }),

  route({
    key: "GET /.well-known/jwks.json",
    tag: "controller",
    summary: "Public keys of the API's tokens: none, they are HS256",
    responses: { 200: anyJson("An empty key set") },
    handle: () => json(200, { keys: [] }),
  }),
];
