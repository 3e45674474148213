/** gRPC's codes that answers of Agones' SDK carry. */
export const CODE = {
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;
export type StatusCode = (typeof CODE)[keyof typeof CODE];

/** What REST makes of each: grpc-gateway's `HTTPStatusFromCode`. */
const HTTP_STATUS: Readonly<Record<StatusCode, number>> = {
  2: 500,
  3: 400,
  4: 504,
  5: 404,
  7: 403,
  8: 429,
  12: 501,
  13: 500,
  14: 503,
};

/** A failed call as both wires tell it: REST gives it as it stands. */
export interface AgonesFailure {
  readonly code: StatusCode;
  readonly message: string;
  readonly details: readonly [];
}

/** In characters. Over gRPC it is a header, and one with a caller's longest names in it would end the whole connection. */
const MESSAGE_MOST = 1024;

export function agonesFailure(
  code: StatusCode,
  message: string,
): { readonly status: number; readonly body: AgonesFailure } {
  return { status: HTTP_STATUS[code], body: { code, message: shortened(message), details: [] } };
}

/** What Forge refuses with in its own words, in Agones'. */
export function asAgonesFailure(status: number, body: unknown): ReturnType<typeof agonesFailure> {
  const { code, message, detail } = (body ?? {}) as { code?: unknown; message?: unknown; detail?: unknown };
  if (typeof code === "number" && code in HTTP_STATUS) return agonesFailure(code as StatusCode, text(message));
  return agonesFailure(codeOf(status), text(detail));
}

function codeOf(status: number): StatusCode {
  if (status === 400) return CODE.invalidArgument;
  if (status === 401 || status === 403) return CODE.permissionDenied;
  if (status === 404 || status === 410) return CODE.notFound;
  if (status === 413 || status === 429 || status === 431) return CODE.resourceExhausted;
  return status === 503 ? CODE.unavailable : CODE.unknown;
}

function text(of: unknown): string {
  return typeof of === "string" ? of : "the call failed";
}

/** Through bytes: a cut between the halves of a character leaves what no header can be made of. */
function shortened(message: string): string {
  return message.length <= MESSAGE_MOST ? message : `${Buffer.from(message.slice(0, MESSAGE_MOST)).toString()}…`;
}
