import type { ServerResponse } from "node:http";

/** What the gate itself refuses with; every other answer is the agent's. */
export type GateProblemCode =
  | "malformed"
  | "unauthorized"
  | "peerForeign"
  | "bodyTooLarge"
  | "headersTooLarge"
  | "requestTimeout"
  | "tooManyStreams"
  | "tooManyCalls"
  | "agentAway"
  | "agentSlow"
  | "serverClosed";

const CATALOGUE: Readonly<Record<GateProblemCode, { readonly status: number; readonly title: string }>> = {
  malformed: { status: 400, title: "The request cannot be read" },
  unauthorized: { status: 401, title: "The token is missing or wrong" },
  peerForeign: { status: 403, title: "The caller does not belong to this game server" },
  requestTimeout: { status: 408, title: "The request did not arrive in time" },
  bodyTooLarge: { status: 413, title: "The body is too large" },
  headersTooLarge: { status: 431, title: "The headers are too large" },
  tooManyStreams: { status: 429, title: "This game server holds too many streams" },
  tooManyCalls: { status: 503, title: "Too many calls wait for an answer" },
  agentAway: { status: 503, title: "The node's agent is away" },
  agentSlow: { status: 503, title: "The node's agent did not answer in time" },
  serverClosed: { status: 503, title: "The game server's port is closing" },
};

/** RFC 9457. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: GateProblemCode;
  readonly detail: string;
  readonly retryAfterSecs?: number;
}

/** Seconds after which a caller is told to try again: the agent restarts well within it. */
const RETRY_AFTER_SECS = 1;

export function gateProblem(code: GateProblemCode, detail: string): Problem {
  const { status, title } = CATALOGUE[code];
  const retry = mayPass(status) ? { retryAfterSecs: RETRY_AFTER_SECS } : {};
  return { type: "about:blank", title, status, code, detail, ...retry };
}

/** Answers with JSON; statuses from 400 up as a problem, those that may pass with `Retry-After`. Harmless after the end. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
) {
  if (response.headersSent || response.destroyed) return;
  const text = body === undefined ? "" : JSON.stringify(body);
  response.writeHead(status, {
    "content-type": status >= 400 ? "application/problem+json" : "application/json",
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
    ...(mayPass(status) ? { "retry-after": String(retryAfterOf(body)) } : {}),
    ...headers,
  });
  response.end(text);
}

export function sendProblem(response: ServerResponse, problem: Problem, headers: Record<string, string> = {}) {
  sendJson(response, problem.status, problem, headers);
}

/** The whole answer as bytes, for a request that could not even be parsed. */
export function rawProblem(problem: Problem): string {
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    "content-type: application/problem+json",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}

function mayPass(status: number): boolean {
  return status === 429 || status === 503;
}

function retryAfterOf(body: unknown): number {
  const secs = (body as { retryAfterSecs?: unknown } | null | undefined)?.retryAfterSecs;
  return typeof secs === "number" && Number.isFinite(secs) && secs >= 0 ? Math.ceil(secs) : RETRY_AFTER_SECS;
}
