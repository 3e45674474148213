import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { ACCESS, type Access, type RouteKey } from "./access";
import type { Answer } from "./answer";
import type { Origins } from "./origins";
import { routesAt } from "./unknown-route";

/** What a player's client asks: what players and tickets have a right to, and `/health`, which measures how far it is. */
const FOR_PAGES: ReadonlySet<string> = new Set(
  Object.entries<Access>(ACCESS).flatMap(([key, { player, ticket }]) =>
    key === "GET /health" || (player ?? ticket) !== undefined ? [key] : [],
  ),
);
const REQUEST_HEADERS = "authorization, content-type, idempotency-key";
/** Beside what pages may read anyway. */
const ANSWER_HEADERS = "retry-after, x-request-id";
/** A browser asks again after so long, in seconds: an origin that was taken out is not let in for much longer. */
const PREFLIGHT_SECS = 600;

/**
 * Lets pages of the listed origins make players' calls and read the answers. Nothing is said of credentials: Forge knows
 * no cookie, so a page has to show a token or a ticket of its own.
 * By hand because answers go past Fastify's own sending, where `@fastify/cors` would put its headers.
 * Source: https://fetch.spec.whatwg.org/#http-cors-protocol
 */
export class CrossOrigin {
  constructor(private readonly origins: Origins) {}

  /** Says on an answer, whatever it will be, who may read it. */
  mark(key: RouteKey, origin: string | undefined, answer: ServerResponse): void {
    if (this.origins.none || !FOR_PAGES.has(key)) return;
    // Also to who sends no origin: a cache between must not give a page the answer made for somebody else.
    answer.setHeader("vary", "origin");
    if (origin === undefined || !this.origins.has(origin)) return;
    answer.setHeader("access-control-allow-origin", origin);
    answer.setHeader("access-control-expose-headers", ANSWER_HEADERS);
  }

  /** Answers a browser that asks whether a page may make a call; undefined where it may not, or nobody asks that. */
  preflight(method: string, path: string, headers: IncomingHttpHeaders): Answer | undefined {
    const { origin, "access-control-request-method": wanted } = headers;
    if (method !== "OPTIONS" || origin === undefined || wanted === undefined || !this.origins.has(origin)) return;
    const methods = routesAt(path).flatMap(({ key, method: allowed }) => (FOR_PAGES.has(key) ? [allowed] : []));
    if (!methods.includes(wanted)) return;
    return {
      status: 200,
      contentType: "text/plain; charset=utf-8",
      body: "",
      headers: {
        vary: "origin",
        "access-control-allow-origin": origin,
        "access-control-allow-methods": methods.join(", "),
        "access-control-allow-headers": REQUEST_HEADERS,
        "access-control-max-age": String(PREFLIGHT_SECS),
      },
    };
  }
}
