import { ProblemError } from "../problems";

/** So much of a content type is shown to whoever sent it. */
const TYPE_SHOWN = 100;

/** What Fastify and Node say of a broken request, in the words of the catalogue. */
const BY_CODE: Readonly<Record<string, (message: string, contentType: string | undefined) => ProblemError>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: () => new ProblemError("bodyTooLarge", "the body is larger than 1 MiB"),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: (_message, contentType) =>
    new ProblemError(
      "mediaTypeUnsupported",
      `the body came ${contentType ? `as ${JSON.stringify(contentType.slice(0, TYPE_SHOWN))}` : "without a content-type"}; send application/json`,
    ),
  FST_ERR_MAX_PARAM_LENGTH: () => new ProblemError("uriTooLong", "a part of the path is longer than 256 characters"),
  HPE_HEADER_OVERFLOW: () => new ProblemError("badRequest", "the headers are larger than 16 KiB"),
  ERR_HTTP_REQUEST_TIMEOUT: () => new ProblemError("badRequest", "the request did not arrive in time"),
};

/**
 * Anything that was thrown, as the problem to answer. Only what is no one's known fault becomes `internal`.
 * @param contentType what the request said of its body
 */
export function toProblemError(error: unknown, contentType?: string): ProblemError {
  if (error instanceof ProblemError) return error;
  const { name, code, statusCode, message = String(error) } = asThrown(error);
  const known = typeof code === "string" ? BY_CODE[code] : undefined;
  if (known) return known(message, contentType);
  if (name === "SyntaxError" && statusCode === 400) return new ProblemError("malformedJson", message);
  if (typeof statusCode === "number" && statusCode >= 400 && statusCode < 500)
    return new ProblemError("badRequest", message);
  return new ProblemError("internal", "the call failed through no fault of yours; Forge's log has the request id");
}

/** By shape: what Node throws need not be of this realm's classes. */
function asThrown(
  error: unknown,
): Partial<Record<"name" | "code" | "message", string>> & { readonly statusCode?: number } {
  return typeof error === "object" && error !== null ? error : {};
}
