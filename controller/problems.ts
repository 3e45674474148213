import type { CoreProblemCode } from "./core/decision";

/** One kind of refusal or failure. `status` is the HTTP status, `doc` what docs/errors.md says of it. */
export interface ProblemKind {
  readonly title: string;
  readonly status: number;
  /** Whether the same request may succeed later, unchanged. */
  readonly retryable: boolean;
  readonly doc: string;
}

const kind = (status: number, title: string, doc: string): ProblemKind => ({ title, status, retryable: false, doc });
const retryable = (status: number, title: string, doc: string): ProblemKind => ({
  ...kind(status, title, doc),
  retryable: true,
});

/**
 * The one catalogue of what the controller answers instead of a result. Codes are stable: programs may switch on them.
 * Titles and sentences are for people and may change.
 */
export const PROBLEMS = {
  malformedJson: kind(
    400,
    "The body is not JSON",
    "The request body could not be read as JSON; `detail` says where it breaks. Nor is one with a key `__proto__`, or `prototype` in `constructor`, read.",
  ),
  badRequest: kind(
    400,
    "The request is not valid HTTP for this call",
    "A header, URL or length of the request is broken in a way that is not about its content.",
  ),

  credentialsMissing: kind(
    401,
    "No credentials",
    "Send `Authorization: Bearer TOKEN`, or `Authorization: Ticket TICKET` where the call takes a player's ticket.",
  ),
  tokenMalformed: kind(
    401,
    "The token cannot be read",
    "It is not an HS256 JSON Web Token with `sub`, `role`, `regions`, `iat` and `exp`.",
  ),
  tokenSignature: kind(
    401,
    "The token's signature is wrong",
    "It was signed with another key: tokens of one run are not valid in another.",
  ),
  tokenExpired: kind(401, "The token has expired", "Tokens live an hour at most; ask for a new one."),
  ticketMalformed: kind(
    401,
    "The ticket cannot be read",
    "What follows `Authorization: Ticket` is not a ticket that Forge handed out.",
  ),
  ticketSignature: kind(401, "The ticket's seal is wrong", "It was sealed by another run, or changed on the way."),
  ticketForeign: kind(403, "The ticket is for another session", "A ticket opens the one session it was sealed for."),
  roleNotAllowed: kind(
    403,
    "The role may not do this",
    "The token's role has no right to this call; docs/api.md has the table of roles.",
  ),
  regionNotAllowed: kind(
    403,
    "The token is not for this region",
    "The token names the regions it is good for, and this is none of them.",
  ),
  notYours: kind(
    403,
    "This belongs to someone else",
    "Players act on their own sessions and queue tickets, servers on their own.",
  ),
  originNotAllowed: kind(
    403,
    "The web page's origin is not allowed",
    "A browser may change things only from pages that this controller served, or of an origin that `[api] origins` of forge.toml lists.",
  ),
  hostNotAllowed: kind(
    421,
    "The Host header names another site",
    "The controller answers to `localhost`, to addresses, and to the names it was told of; this keeps other sites' pages from reaching it by DNS rebinding.",
  ),

  routeUnknown: kind(404, "There is no such call", "No route has this path; `/openapi.json` lists all."),
  methodNotAllowed: kind(405, "The path does not take this method", "The `Allow` header names those that it takes."),
  bodyTooLarge: kind(413, "The body is too large", "A request body may have 1 MiB."),
  uriTooLong: kind(414, "The URL is too long", "A path segment may have 256 characters."),
  mediaTypeUnsupported: kind(
    415,
    "The media type is not supported",
    "Bodies are `application/json`; `detail` says what this one came as.",
  ),
  invalid: kind(
    422,
    "The request has invalid values",
    "`errors` lists every problem with a JSON pointer; unknown keys are refused, not ignored.",
  ),
  idempotencyMismatch: kind(
    422,
    "The Idempotency-Key was used for another request",
    "Within ten minutes a key stands for one request; use a new key for a new one.",
  ),

  partyTooLarge: kind(
    422,
    "No server is large enough",
    "A party or match gets its seats on one server, and this one has more players than any server of the experience has seats: `info` has both. Split it, or raise `max_players`.",
  ),

  unknownServer: kind(404, "No such server", "No server has this id, or it ended and was forgotten."),
  unknownSession: kind(404, "No such session", "No session has this id, or it ended and was forgotten."),
  unknownExperience: kind(404, "No such experience", "No experience in forge.toml has this name in this region."),
  unknownVersion: kind(404, "No such version", "The experience does not run in this version here."),
  clientUnsupported: kind(
    409,
    "No server takes this client",
    "No version that runs here takes a client of this version; `info.versions` says which clients each takes. Most often the client wants updating.",
  ),
  unknownMod: kind(404, "No such mod", "The experience is not offered with this mod."),
  unknownTask: kind(404, "No such task", "The server has no role of this name beside it; `detail` names its tasks."),
  unknownQueueTicket: kind(404, "No such queue ticket", "It was never given out, or its wait ended and was forgotten."),
  unknownDecision: kind(
    404,
    "No such decision",
    "The last decisions are kept in a bounded ring; this one is not, or no longer, in it.",
  ),
  shiftUnknown: kind(404, "No shift is planned", "Nobody has planned a shift from Agones in this region."),
  unknownRegion: kind(404, "No such region", "The run has no region of this name; `GET /v1/regions` lists them."),

  serverFull: kind(409, "The server is full", "It has no seat left for these players."),
  serverNotReady: retryable(409, "The server is not ready", "It has not said yet that it is ready for players."),
  serverClosed: kind(409, "The server takes no more players", "It is draining, stopping or ended."),
  playerElsewhere: kind(
    409,
    "The player is somewhere else",
    "A player has one session in an experience; end it or let it be moved first.",
  ),
  alreadyTerminated: kind(409, "The server has already ended", "There is nothing left to terminate."),
  conflict: kind(409, "The request conflicts with what is", "`detail` says what stands in the way."),

  queueFull: retryable(429, "The queue is full", "As many players wait as the experience allows."),
  tooManyRequests: retryable(
    429,
    "Too many requests at once",
    "This caller has as many requests, or streams, under way as one caller may; `docs/api.md` has how many.",
  ),

  internal: kind(500, "Something in Forge failed", "A fault of Forge's own; its log has the request id."),
  startFailed: kind(
    502,
    "The server could not be started",
    "The engine refused or the program ended before it was ready.",
  ),
  forwardLoop: kind(
    502,
    "Regions forward to each other in a circle",
    "A request that one region passed on names a third; the regions disagree about who is who.",
  ),
  noCapacity: retryable(503, "No capacity", "No server has room and none can be started now."),
  notLeader: retryable(503, "This controller does not lead", "Another one leads this region, or none does yet."),
  unavailable: retryable(
    503,
    "Not available now",
    "The controller cannot do this at the moment, for example while it rebuilds what it knows from its agents.",
  ),
  notReady: retryable(
    503,
    "The controller is not ready",
    "It cannot place players yet; `detail` says what it waits for.",
  ),
  overloaded: retryable(503, "Too much to do", "The controller has as many requests under way as it takes."),
  closing: retryable(
    503,
    "The controller is closing",
    "It is stopping; another one, or the same one restarted, will answer.",
  ),
  regionUnavailable: retryable(
    503,
    "The region does not answer",
    "The controller of that region cannot be reached from this one.",
  ),
  regionTimeout: retryable(
    504,
    "The region did not answer in time",
    "The request may have had its effect there: repeat it with the same Idempotency-Key.",
  ),
  deadlineExceeded: retryable(
    504,
    "The deadline passed",
    "What was asked for did not come about within the time given.",
  ),
} as const satisfies Readonly<Record<string, ProblemKind>> & Readonly<Record<CoreProblemCode, ProblemKind>>;

export type ProblemCode = keyof typeof PROBLEMS;

/** One thing wrong with a request. `pointer` is a JSON pointer into `/body`, `/query`, `/path` or `/headers`. */
export interface FieldProblem {
  readonly pointer: string;
  readonly detail: string;
}

export interface ProblemExtras {
  readonly errors?: readonly FieldProblem[] | undefined;
  /** Whole seconds; where a retryable problem has none, `Retry-After` says 1. */
  readonly retryAfterSecs?: number | undefined;
  readonly info?: Readonly<Record<string, unknown>> | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** RFC 9457 body. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ProblemCode;
  readonly detail: string;
  readonly retryable: boolean;
  /** The id in the controller's log and in `x-request-id`. */
  readonly requestId?: string;
  readonly errors?: readonly FieldProblem[];
  readonly info?: Readonly<Record<string, unknown>>;
}

/** Thrown anywhere below the API; becomes the answer. `detail` says what was asked, what is so, and what to do. */
export class ProblemError extends Error {
  constructor(
    readonly code: ProblemCode,
    readonly detail: string,
    readonly extras: ProblemExtras = {},
  ) {
    super(detail);
    this.name = "ProblemError";
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }

  /** `Retry-After` on 429, 503 and whatever else says when, and the problem's own headers. */
  get headers(): Readonly<Record<string, string>> {
    const { retryAfterSecs, headers } = this.extras;
    const waits = retryAfterSecs !== undefined || this.status === 429 || this.status === 503;
    return { ...(waits && { "retry-after": String(Math.max(1, Math.ceil(retryAfterSecs ?? 1))) }), ...headers };
  }

  toProblem(requestId?: string): Problem {
    const { title, status, retryable: mayRetry } = PROBLEMS[this.code];
    return {
      type: `urn:forge:problem:${this.code}`,
      title,
      status,
      code: this.code,
      detail: this.detail,
      retryable: mayRetry,
      ...(requestId !== undefined && { requestId }),
      ...(this.extras.errors && { errors: this.extras.errors }),
      ...(this.extras.info && { info: this.extras.info }),
    };
  }
}

/** docs/errors.md, whole. */
export function problemsAsMarkdown(): string {
  const rows = Object.entries(PROBLEMS).map(
    ([code, { status, title, retryable: mayRetry, doc }]) =>
      `| \`${code}\` | ${status} | ${mayRetry ? "yes" : ""} | ${title}. ${doc} |`,
  );
  return [
    "# Errors",
    "",
    "Every call that fails answers with a problem of RFC 9457, `content-type: application/problem+json`:",
    "",
    "```json",
    JSON.stringify(
      new ProblemError("unknownServer", "srv-local-4k2m is not a server of region local").toProblem("req-1"),
      null,
      2,
    ),
    "```",
    "",
    "`code` is stable. `retryable` says whether the same request may succeed later; where a `Retry-After` header comes with it,",
    "wait so many seconds. `invalid` has `errors: [{pointer, detail}]`, all of them at once. This page is generated from",
    "`controller/problems.ts`.",
    "",
    "| code | status | retry | meaning |",
    "|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}
