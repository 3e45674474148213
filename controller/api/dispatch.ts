import type { FastifyReply, FastifyRequest } from "fastify";
import { ProblemError } from "../problems";
import { accessOf } from "./access";
import type { Answer } from "./answer";
import type { ApiContext } from "./api-context";
import { type Caller, requireRegion } from "./caller";
import { FORWARDED, LeaderChanged } from "./forwarder";
import type { IdempotencyStore } from "./idempotency";
import { type AnyRoute, type Call, invalid, parseCall } from "./route";

/** Another region's usual time to begin an answer. */
const FORWARD_MS = 10_000;

/**
 * Answers one call whose caller is known: checks what it takes, passes it on where it is another region's, and runs
 * it, once per Idempotency-Key.
 * @throws {ProblemError} whatever is wrong with it
 */
export function dispatch(
  definition: AnyRoute,
  request: FastifyRequest,
  reply: FastifyReply,
  caller: Caller,
  api: ApiContext,
  store: IdempotencyStore,
): Promise<Answer> | Answer {
  const call = parseCall(definition, request, reply, caller, request.headers[FORWARDED] !== undefined);
  const key = request.method === "POST" ? request.headers["idempotency-key"] : undefined;
  if (key === undefined) return run(definition, call, api);
  const scope = `${caller.actor.role}\n${caller.actor.sub}\n${request.url}`;
  return store.once(scope, checkKey(key), call.body, async () => run(definition, call, api));
}

function run(definition: AnyRoute, call: Call<never, never, never>, api: ApiContext): Promise<Answer> | Answer {
  const elsewhere = definition.region && forwardTarget(definition, call, api);
  if (elsewhere) return forward(definition, call, api, elsewhere);
  if (call.caller.grant === "own") return runOwn(definition, call, api);
  return definition.handle(call, api);
}

async function runOwn(definition: AnyRoute, call: Call<never, never, never>, api: ApiContext): Promise<Answer> {
  if (!definition.own) throw new Error(`${definition.key} grants "own" but has no check of it`);
  await definition.own(call, api);
  return definition.handle(call, api);
}

interface Target {
  readonly region: string;
  readonly url: string;
}

function forwardTarget(definition: AnyRoute, call: Call<never, never, never>, api: ApiContext): Target | undefined {
  const here = api.backend.region;
  const region = definition.region?.(call, api);
  if (!accessOf(definition.key).public && region !== undefined) requireRegion(call.caller.actor, region);
  if (call.forwarded) {
    if (region === undefined || region === here) return undefined;
    throw new ProblemError("forwardLoop", `region ${here} was passed a call for region ${region}`);
  }
  const url = region === undefined ? undefined : api.forwarder.urlOf(region);
  return region === undefined || url === undefined ? undefined : { region, url };
}

async function forward(
  definition: AnyRoute,
  call: Call<never, never, never>,
  api: ApiContext,
  { region, url }: Target,
): Promise<Answer> {
  const { request, reply } = call;
  const stream = definition.weight === "streaming";
  const gone = new AbortController();
  if (stream) reply.raw.once("close", () => gone.abort());
  try {
    return await api.forwarder.forward(region, url, {
      method: request.method,
      url: request.url,
      headers: request.headers,
      requestId: request.id,
      timeoutMs: FORWARD_MS + (definition.patienceMs?.(call, api) ?? 0),
      ...(definition.body && { body: call.body }),
      ...(stream && { stream, signal: AbortSignal.any([gone.signal, api.closing]) }),
    });
  } catch (error) {
    // Whoever only asks is told by the one who leads now; what was to be done may have been, so the caller decides.
    if (error instanceof LeaderChanged && request.method === "GET") return run(definition, call, api);
    throw error;
  }
}

function checkKey(key: string | string[]): string {
  if (typeof key === "string" && /^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw invalid([{ pointer: "/headers/idempotency-key", detail: "1 to 255 visible ASCII characters" }]);
}
