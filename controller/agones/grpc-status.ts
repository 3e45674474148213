/** Codes of gRPC, as far as they are given here, with the HTTP status that Agones' REST gateway makes of each. */
const CODES = {
  INVALID_ARGUMENT: [3, 400],
  DEADLINE_EXCEEDED: [4, 504],
  NOT_FOUND: [5, 404],
  PERMISSION_DENIED: [7, 403],
  RESOURCE_EXHAUSTED: [8, 429],
  ABORTED: [10, 409],
  UNIMPLEMENTED: [12, 501],
  INTERNAL: [13, 500],
  UNAVAILABLE: [14, 503],
  UNAUTHENTICATED: [16, 401],
} as const;

export type GrpcCode = keyof typeof CODES;

/** Ends a call of the allocation service, on either wire. */
export class GrpcError extends Error {
  constructor(
    readonly code: GrpcCode,
    message: string,
  ) {
    super(message);
    this.name = "GrpcError";
  }

  /** As gRPC's trailer has it. */
  get number(): number {
    return CODES[this.code][0];
  }

  get httpStatus(): number {
    return CODES[this.code][1];
  }
}

/** What went wrong without being one says nothing to strangers. */
export function toGrpcError(error: unknown): GrpcError {
  return error instanceof GrpcError
    ? error
    : new GrpcError("INTERNAL", "the allocation service failed; its log says more");
}
