/** An answer of Forge that says no: an RFC 9457 problem. `code` is stable, `detail` is for people. */
export class ForgeApiError extends Error {
  /** Seconds that the answer asked to wait, from `Retry-After`. */
  readonly retryAfterSecs: number | undefined;

  constructor(
    readonly code: string,
    readonly status: number,
    readonly detail: string,
    options: { readonly retryAfterSecs?: number | undefined; readonly where?: string } = {},
  ) {
    super(`${options.where === undefined ? "" : `${options.where}: `}${status} ${code}: ${detail}`);
    this.name = "ForgeApiError";
    this.retryAfterSecs = options.retryAfterSecs;
  }

  /** Whether the same request may succeed a little later: overload, or something on the way is away. */
  get passing(): boolean {
    return this.status === 429 || this.status === 502 || this.status === 503 || this.status === 504;
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
    readonly code: "environment" | "snapshotTooLarge" | "notPlaced" | "closed",
    message: string,
  ) {
    super(message);
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
  return new ForgeApiError(text("code") ?? `http${status}`, status, detail, { retryAfterSecs, where });
}
