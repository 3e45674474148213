import type { Fetch } from "../src/api-connection";
import type { Placement, Session } from "../src/resources";

export interface FetchCall {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly host: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly signal: AbortSignal | null | undefined;
}

export interface FetchAnswer {
  readonly status?: number;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

/** A double of fetch: answers from a function, "away" as a network error, and remembers the calls. */
export class FetchDouble {
  readonly calls: FetchCall[] = [];

  constructor(private readonly answer: (call: FetchCall) => FetchAnswer | "away" | Promise<FetchAnswer | "away">) {}

  readonly fetch: Fetch = async (input, init = {}) => {
    const url = new URL(input);
    const call: FetchCall = {
      method: init.method ?? "GET",
      path: url.pathname + url.search,
      host: url.host,
      headers: init.headers as Record<string, string>,
      body: typeof init.body === "string" ? JSON.parse(init.body) : undefined,
      signal: init.signal,
    };
    this.calls.push(call);
    const answer = await this.answer(call);
    if (answer === "away")
      throw new TypeError("fetch failed", { cause: Object.assign(new Error(), { code: "ECONNREFUSED" }) });
    return new Response(JSON.stringify(answer.body ?? {}), {
      status: answer.status ?? 200,
      ...(answer.headers && { headers: answer.headers }),
    });
  };

  /** Method and path of each call. */
  get asked(): readonly string[] {
    return this.calls.map(({ method, path }) => `${method} ${path}`);
  }
}

export function sessionSample(over: Partial<Session> = {}): Session {
  const at = "2025-01-01T00:00:00.000Z";
  return {
    id: "ses-here-1",
    playerId: "ann",
    experienceId: "arena",
    serverId: "srv-here-1",
    region: "here",
    state: "active",
    generation: 1,
    party: [],
    connectedAt: at,
    lastActivity: at,
    latencyMs: null,
    packetLoss: null,
    moves: 0,
    restoredAgeMs: null,
    reason: "placed",
    ...over,
  };
}

export function placementSample(over: Partial<Session> = {}): Placement {
  const session = sessionSample(over);
  const server = { id: session.serverId ?? "", address: "10.0.0.1", ports: { game: 7001 } };
  return { session, server, ticket: `ticket of generation ${session.generation}` };
}

export function problemSample(status: number, code: string, detail = code, retryable?: boolean): FetchAnswer {
  return {
    status,
    body: {
      type: `urn:forge:${code}`,
      title: code,
      status,
      code,
      detail,
      ...(retryable === undefined ? {} : { retryable }),
    },
  };
}
