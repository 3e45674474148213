import type { FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import type { AuditAction } from "../audit-log";
import { type FieldProblem, ProblemError } from "../problems";
import type { RouteKey } from "./access";
import type { Answer } from "./answer";
import type { Weight } from "./admission";
import type { ApiContext } from "./api-context";
import type { Caller } from "./caller";
import { noQuery } from "./schemas/common";

/** One call under way: everything read and checked. */
export interface Call<P = unknown, Q = unknown, B = unknown> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly caller: Caller;
  /** Another controller of the run passed it on: answer it here. */
  readonly forwarded: boolean;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** What is answered with one status; `schema` of JSON, else the media type. */
export interface ResponseShape {
  readonly description: string;
  readonly schema?: z.ZodType;
  readonly contentType?: string;
}

/** A call of the API: what it takes, what it answers, and what it does. */
export interface Route<P = unknown, Q = unknown, B = unknown> {
  readonly key: RouteKey;
  readonly tag: string;
  readonly summary: string;
  readonly params?: z.ZodType<P>;
  readonly query?: z.ZodType<Q>;
  readonly body?: z.ZodType<B>;
  /** Whether a body is surely one that `body` takes as it is: spares the most frequent call the schema. */
  readonly plainBody?: (body: unknown) => boolean;
  readonly responses: Readonly<Record<number, ResponseShape>>;
  /** Name in the audit log; calls without one leave no trace there. */
  readonly action?: AuditAction;
  /** Which region answers it; undefined: this one. Not asked for calls that were passed on. */
  readonly region?: (call: Call<P, Q, B>, api: ApiContext) => string | undefined;
  /** Milliseconds that another region may take to begin its answer, beyond the usual. */
  readonly patienceMs?: (call: Call<P, Q, B>, api: ApiContext) => number;
  readonly weight?: Weight;
  /** Throws `notYours` where the caller may act on their own only and this is not. Routes that grant `own` have it. */
  readonly own?: (call: Call<P, Q, B>, api: ApiContext) => void | Promise<void>;
  readonly handle: (call: Call<P, Q, B>, api: ApiContext) => Answer | Promise<Answer>;
}

/** Any route, whatever it takes: `parse` below is what makes the types true. */
export type AnyRoute = Route<never, never, never>;

/** Binds the types of schemas and handler together. */
export function route<P, Q, B>(definition: Route<P, Q, B>): AnyRoute {
  return definition as unknown as AnyRoute;
}

/**
 * Checks parameters, query and body against the route's schemas.
 * @throws {ProblemError} invalid, with all that is wrong
 */
export function parseCall(
  definition: AnyRoute,
  request: FastifyRequest,
  reply: FastifyReply,
  caller: Caller,
  forwarded: boolean,
): Call<never, never, never> {
  const errors: FieldProblem[] = [];
  const params = check(definition.params, request.params, "/path", errors);
  const query = hasNoQuery(definition, request)
    ? request.query
    : check(definition.query, request.query, "/query", errors);
  const body = checkBody(definition, request.body, errors);
  if (errors.length > 0) throw invalid(errors);
  return { params, query, body, caller, forwarded, request, reply } as Call<never, never, never>;
}

export function invalid(errors: readonly FieldProblem[]): ProblemError {
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  return new ProblemError("invalid", `${first?.pointer ?? ""}: ${first?.detail ?? "invalid"}${more}`, { errors });
}

/** None is taken and none came, as with nearly all calls: no need to ask the schema. */
function hasNoQuery({ query }: { readonly query?: unknown }, request: FastifyRequest): boolean {
  if (query !== noQuery) return false;
  for (const _ in request.query as object) return false;
  return true;
}

function checkBody({ body: schema, plainBody }: AnyRoute, body: unknown, errors: FieldProblem[]): unknown {
  if (!schema) return noBody(body, errors);
  return plainBody?.(body) ? body : check(schema, body, "/body", errors);
}

function check(schema: z.ZodType | undefined, value: unknown, where: string, errors: FieldProblem[]): unknown {
  if (!schema) return value;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  for (const issue of result.error.issues.slice(0, 100)) {
    const pointer = pointerTo(where, issue.path);
    if (issue.code === "unrecognized_keys") {
      for (const key of issue.keys.slice(0, 20))
        errors.push({ pointer: pointer + pointerTo("", [key]), detail: "unknown key" });
    } else if (issue.code === "invalid_key") {
      errors.push({ pointer, detail: `the key: ${issue.issues.map(({ message }) => message).join("; ")}` });
    } else {
      // What forge.toml's schemas say has the fix on a line of its own.
      errors.push({ pointer, detail: issue.message.replace("\n", ": ") });
    }
  }
  return undefined;
}

function noBody(body: unknown, errors: FieldProblem[]): undefined {
  const empty = body === undefined || body === null || (typeof body === "object" && Object.keys(body).length === 0);
  if (!empty) errors.push({ pointer: "/body", detail: "this call takes no body" });
  return undefined;
}

/** A URL without its query. */
export function pathOf(url: string): string {
  const query = url.indexOf("?");
  return query < 0 ? url : url.slice(0, query);
}

/** RFC 6901. */
function pointerTo(where: string, path: readonly PropertyKey[]): string {
  return (
    where + path.map((part) => `/${String(part).slice(0, 200).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("")
  );
}
