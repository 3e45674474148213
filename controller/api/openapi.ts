import { z } from "zod";
import { accessOf } from "./access";
import type { AnyRoute, ResponseShape } from "./route";
import { problemSchema } from "./schemas/problem";

type Json = Record<string, unknown>;

const DEFINITIONS = "#/$defs/";
const COMPONENTS = "#/components/schemas/";

/** The contract as OpenAPI 3.1, made from the same schemas that check requests. */
export function openApiOf(routes: readonly AnyRoute[], version: string): Json {
  const components: Json = {};
  const paths: Record<string, Json> = {};
  for (const definition of routes) {
    const { method, path } = split(definition);
    (paths[path] ??= {})[method] = operation(definition, components);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Forge controller",
      version,
      description:
        "Runs multiplayer game servers. A call for another region is passed on to it. docs/api.md walks through it.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    paths,
    components: {
      schemas: sorted(components),
      securitySchemes: {
        token: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description: "HS256 `{sub, role, regions, iat, exp}`",
        },
        ticket: { type: "http", scheme: "Ticket", description: "A player's ticket, for its own session" },
      },
    },
  };
}

function split({ key }: AnyRoute): { readonly method: string; readonly path: string } {
  const [method = "", url = ""] = key.split(" ");
  return { method: method.toLowerCase(), path: url.replaceAll(/:(\w+)/g, "{$1}") };
}

function operation(definition: AnyRoute, components: Json): Json {
  const { key, tag, summary, params, query, body, responses } = definition;
  const access = accessOf(key);
  const isPost = key.startsWith("POST ");
  const idempotencyKey = {
    name: "Idempotency-Key",
    in: "header",
    required: false,
    description: "The same key and body again has the effect of once",
    schema: { type: "string", pattern: "^[\\x21-\\x7e]{1,255}$" },
  };
  const parameters = [
    ...parametersIn("path", params, components),
    ...parametersIn("query", query, components),
    ...(isPost ? [idempotencyKey] : []),
  ];
  const roles = Object.entries(access).filter(([role]) => role !== "public" && role !== "ticket");
  return {
    operationId: operationId(key),
    tags: [tag],
    summary,
    ...(roles.length > 0 && {
      description: `For ${roles.map(([role, grant]) => (grant === "own" ? `${role} (own only)` : role)).join(", ")}${access.ticket ? ", or a session's ticket" : ""}.`,
    }),
    security: access.public ? [] : [{ token: [] }, ...(access.ticket ? [{ ticket: [] }] : [])],
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: {
        required: true,
        content: { "application/json": { schema: jsonSchema(body, "input", components) } },
      },
    }),
    responses: {
      ...Object.fromEntries(Object.entries(responses).map(([status, shape]) => [status, response(shape, components)])),
      default: {
        description: "A problem; see docs/errors.md",
        content: { "application/problem+json": { schema: jsonSchema(problemSchema, "output", components) } },
      },
    },
  };
}

/** `GET /v1/servers/:id/logs` is `getServersIdLogs`: stable as long as the path is. */
function operationId(key: string): string {
  const [method = "", url = ""] = key.split(" ");
  const words = url
    .replace(/^\/v1\//, "")
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== "");
  return method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}

function parametersIn(where: "path" | "query", schema: z.ZodType | undefined, components: Json): Json[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = jsonSchema(schema, "input", components) as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...property }]) => ({
    name,
    in: where,
    required: where === "path" || required.includes(name),
    ...(description !== undefined && { description }),
    schema: withoutSpelling(property),
  }));
}

/** How a number or a yes is spelt in a query string is nothing that clients need to know. */
function withoutSpelling({ pattern, enum: words, ...property }: Json): Json {
  if (property["type"] === "integer" || property["type"] === "boolean") return property;
  return { ...property, ...(pattern !== undefined && { pattern }), ...(words !== undefined && { enum: words }) };
}

function response({ description, schema, contentType }: ResponseShape, components: Json): Json {
  if (schema)
    return { description, content: { "application/json": { schema: jsonSchema(schema, "output", components) } } };
  return {
    description,
    content: {
      [contentType ?? "application/json"]: {
        schema: contentType === "application/json" ? { type: "object" } : { type: "string" },
      },
    },
  };
}

/** Named schemas go to `components`; the rest stays where it is used. */
function jsonSchema(schema: z.ZodType, io: "input" | "output", components: Json): Json {
  const {
    $schema: _dialect,
    $defs,
    ...rest
  } = moved(z.toJSONSchema(schema, { io, target: "draft-2020-12", unrepresentable: "any" })) as Json & { $defs?: Json };
  Object.assign(components, $defs);
  return rest;
}

function moved(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(moved);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === "$ref" && typeof inner === "string" ? inner.replace(DEFINITIONS, COMPONENTS) : moved(inner),
    ]),
  );
}

function sorted(components: Json): Json {
  return Object.fromEntries(Object.entries(components).sort(([a], [b]) => (a < b ? -1 : 1)));
}
