import type { Readable } from "node:stream";
import type { ProblemError } from "../problems";

/** What a call answers; `body` is text ready to send, or a stream. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Buffer | Readable;
  readonly headers?: Readonly<Record<string, string>>;
}

export const JSON_TYPE = "application/json; charset=utf-8";
export const PROBLEM_TYPE = "application/problem+json; charset=utf-8";

/** Types are checked where values come from (the core) and in tests against the schemas, not again at each call. */
export function json(status: number, value: unknown, headers?: Readonly<Record<string, string>>): Answer {
  return { status, contentType: JSON_TYPE, body: JSON.stringify(value), ...(headers && { headers }) };
}

export function problemAnswer(error: ProblemError, requestId: string): Answer {
  return {
    status: error.status,
    contentType: PROBLEM_TYPE,
    body: JSON.stringify(error.toProblem(requestId)),
    headers: error.headers,
  };
}
