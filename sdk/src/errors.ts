/** Statuses of overload, and of something on the way being away. */
const PASSING = new Set([429, 502, 503, 504]);
/** They have such a status too, but they are Forge's decision about room, not a disturbance: the caller's to act on. */
const DECIDED = new Set(["queueFull", "noCapacity", "deadlineExceeded"]);

/** An answer of Forge that says no: an RFC 9457 problem. `code` is stable, `detail` is for people. */
export class ForgeApiError extends Error {
  /** Seconds that the answer asked to wait, from `Retry-After`. */
  readonly retryAfterSecs: number | undefined;
  /** Whether the same request may well succeed a little later: such requests are tried again by themselves. */
  readonly passing: boolean;

  constructor(
    readonly code: string,
    readonly status: number,
    readonly detail: string,
    options: {
      readonly retryAfterSecs?: number | undefined;
      /** What the answer itself says about trying again. */
      readonly retryable?: boolean | undefined;
      readonly where?: string;
    } = {},
  ) {
    super(`${options.where === undefined ? "" : `${options.where}: `}${status} ${code}: ${detail}`);
    this.name = "ForgeApiError";
    this.retryAfterSecs = options.retryAfterSecs;
    this.passing = PASSING.has(status) && !DECIDED.has(code) && options.retryable !== false;
  }
}

/** No answer at all: nothing listens, the connection broke, or the time was over. */
export class ForgeUnreachableError extends Error {
  readonly code = "unreachable";

  constructor(where: string, cause: unknown) {
    super(`${where}: no answer: ${cause instanceof Error ? (causeText(cause) ?? cause.message) : String(cause)}`, {
      cause,
    });
    this.name = "ForgeUnreachableError";
  }
}

/** What the caller gave or forgot cannot work, whoever is asked. */
export class ForgeUsageError extends Error {
  constructor(
    readonly code: "environment" | "snapshotTooLarge" | "saverFailed" | "notPlaced" | "closed",
    message: string,
    options?: { readonly cause: unknown },
  ) {
    super(message, options);
    this.name = "ForgeUsageError";
  }
}

/** fetch hides the interesting part ("ECONNREFUSED") in a cause. */
function causeText(error: Error): string | undefined {
  const cause: unknown = error.cause;
  if (!(cause instanceof Error)) return undefined;
  const code = (cause as { code?: unknown }).code;
  return typeof code === "string" ? code : cause.message;
}

/**
 * Makes the error for an answer that is not 2xx; bodies that are no problem document still give a usable one.
 * @param where what was asked, e.g. `POST /v1/sessions`
 */
export function apiError(where: string, status: number, body: unknown, retryAfter: string | undefined): ForgeApiError {
  const problem = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const text = (key: string): string | undefined => (typeof problem[key] === "string" ? problem[key] : undefined);
  const seconds = retryAfter === undefined ? NaN : Number(retryAfter);
  const detail =
    text("detail") ?? text("title") ?? (typeof body === "string" && body !== "" ? body.slice(0, 200) : "no detail");
  const retryAfterSecs = Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
  const retryable = typeof problem["retryable"] === "boolean" ? problem["retryable"] : undefined;
  return new ForgeApiError(text("code") ?? `http${status}`, status, detail, { retryAfterSecs, retryable, where });
}
