import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from "fastify";
import { VirtualClock } from "../../protocol/virtual-clock";
import { Tokens } from "../tokens";
import { type ApiOptions, buildApi } from "./api";
import type { Role } from "./backend";
import { shiftForTest } from "../shift/for-test";
import { BackendDouble } from "./backend-double";

export const RUN_KEY = "a key of one run, for tests only, long enough";
export const TICKET_SECRET = "ticket secret of one run, for tests only";
export const START_MS = Date.UTC(2025, 0, 1);

export interface ApiUnderTest {
  readonly app: FastifyInstance;
  readonly backend: BackendDouble;
  readonly clock: VirtualClock;
  readonly tokens: Tokens;
  /** A token's Authorization header. */
  as(role: Role, sub?: string, regions?: readonly string[]): string;
  /** As an operator where no `authorization` is among the headers. */
  call(
    method: InjectOptions["method"],
    url: string,
    options?: { readonly body?: unknown; readonly headers?: Record<string, string | undefined> },
  ): Promise<LightMyRequestResponse>;
}

/** The API over a double of the controller, with a clock that stands still; close `app` at the end. */
export function apiUnderTest(options: Partial<ApiOptions> & { readonly backend?: BackendDouble } = {}): ApiUnderTest {
  const { backend = new BackendDouble(), ...rest } = options;
  const clock = new VirtualClock(START_MS);
  const tokens = new Tokens(RUN_KEY, clock);
  const app = buildApi({
    backend,
    tokens,
    clock,
    shift: shiftForTest(clock),
    options: { ticketSecret: TICKET_SECRET, version: "0.0.0-test", ...rest },
  });
  const as: ApiUnderTest["as"] = (role, sub = "someone", regions = ["*"]) =>
    `Bearer ${tokens.mint({ sub, role, regions }).token}`;
  return {
    app,
    backend,
    clock,
    tokens,
    as,
    call: async (method, url, { body, headers = {} } = {}) => {
      const given = Object.entries({ host: "localhost", authorization: as("operator"), ...headers }).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      );
      return app.inject({
        ...(method && { method }),
        url,
        headers: Object.fromEntries(given),
        ...(body !== undefined && { payload: body as object }),
      });
    },
  };
}
