import type { IncomingHttpHeaders } from "node:http";
import { Readable } from "node:stream";
import { trustingAgent } from "../../clients/authority";
import { type Agent, type Dispatcher, errors as undiciErrors } from "../../clients/undici.cjs";
import { ProblemError } from "../problems";
import type { Answer } from "./answer";
import type { ApiBackend } from "./backend";

/** Marks a request that a controller of the run passed on: the receiver answers it or fails, it never passes it on again. */
export const FORWARDED = "forge-forwarded";

/** The longest JSON answer that is taken from another region. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
const PASSED_ON = ["authorization", "content-type", "idempotency-key", "last-event-id", "accept"] as const;
const PASSED_BACK = ["retry-after", "idempotency-replayed", "www-authenticate", "allow", "cache-control"] as const;

export interface ForwardRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly requestId: string;
  readonly body?: unknown;
  /** How long the first byte may take, in milliseconds. */
  readonly timeoutMs: number;
  /** The answer is passed on as it comes, for as long as it lasts. */
  readonly stream?: boolean;
  readonly signal?: AbortSignal;
}

type ForwarderBackend = Pick<ApiBackend, "regions" | "region" | "status" | "onLeader">;

/** This region's leader was asked, and another leads before it has answered. It may have done what it was asked. */
export class LeaderChanged extends ProblemError {
  constructor(region: string) {
    super("regionTimeout", `the leader of region ${region} did not answer, and another one leads now`, {
      info: { region },
    });
  }
}

/**
 * Passes calls on to the controllers of other regions, or to this region's leader. A leader that is cut off answers
 * nothing, and says not even that: once another leads, nobody waits for it any longer.
 */
export class Forwarder {
  readonly #backend: ForwarderBackend;
  readonly #agent: Agent;
  /** What ends the calls that this region's leader has not answered in full, with where it was asked. */
  readonly #atLeader = new Map<AbortController, string>();
  readonly #unsubscribe: () => void;

  constructor(
    backend: ForwarderBackend,
    {
      connectTimeoutMs = 1000,
      shared = () => [],
    }: { readonly connectTimeoutMs?: number; readonly shared?: () => readonly string[] } = {},
  ) {
    this.#backend = backend;
    this.#unsubscribe = backend.onLeader(() => this.#leaveFormerLeader());
    this.#agent = trustingAgent({
      shared,
      connectTimeoutMs,
      connections: 128,
      keepAliveTimeout: 30_000,
      pipelining: 1,
    });
  }

  /**
   * Where calls for a region go; undefined where this controller answers them itself.
   * @throws {ProblemError} unknownRegion, regionUnavailable
   */
  urlOf(region: string): string | undefined {
    if (region === this.#backend.region) {
      const { leader, leaderUrl } = this.#backend.status();
      return leader ? undefined : leaderUrl;
    }
    const known = this.#backend.regions().find(({ name }) => name === region);
    if (!known)
      throw new ProblemError(
        "unknownRegion",
        `the run has no region ${JSON.stringify(region)}; it has ${this.#names()}`,
      );
    if (known.url === undefined)
      throw new ProblemError("regionUnavailable", `region ${region} is not up`, { info: { region } });
    return known.url;
  }

  /** @throws {ProblemError} regionUnavailable, regionTimeout (`LeaderChanged` where it is this region's) */
  async forward(region: string, url: string, request: ForwardRequest): Promise<Answer> {
    if (region !== this.#backend.region) return this.#pass(region, url, request);
    const left = new AbortController();
    this.#atLeader.set(left, url);
    const { signal } = request;
    let answer: Answer | undefined;
    try {
      answer = await this.#pass(region, url, {
        ...request,
        signal: signal ? AbortSignal.any([signal, left.signal]) : left.signal,
      });
      return answer;
    } catch (error) {
      throw left.signal.aborted ? new LeaderChanged(region) : error;
    } finally {
      const forget = (): void => void this.#atLeader.delete(left);
      if (answer?.body instanceof Readable) answer.body.once("close", forget);
      else forget();
    }
  }

  async #pass(region: string, url: string, request: ForwardRequest): Promise<Answer> {
    const { statusCode, headers, body } = await this.#send(region, url, request);
    const contentType = headerOf(headers, "content-type") ?? "application/octet-stream";
    const back = Object.fromEntries(
      PASSED_BACK.flatMap((name) =>
        headerOf(headers, name) === undefined ? [] : [[name, headerOf(headers, name) ?? ""]],
      ),
    );
    const stream = request.stream === true && statusCode === 200;
    return { status: statusCode, contentType, body: stream ? body : await this.#text(region, body), headers: back };
  }

  async close(): Promise<void> {
    this.#unsubscribe();
    await this.#agent.destroy();
  }

  #leaveFormerLeader(): void {
    const { leader, leaderUrl } = this.#backend.status();
    // While nobody is known to lead, it may be that the former one hands over and still answers.
    if (!leader && leaderUrl === undefined) return;
    for (const [left, url] of this.#atLeader) if (leader || url !== leaderUrl) left.abort();
  }

  async #send(
    region: string,
    url: string,
    { method, url: path, headers, requestId, body, timeoutMs, stream, signal }: ForwardRequest,
  ): Promise<Dispatcher.ResponseData> {
    const passedOn = Object.fromEntries(
      PASSED_ON.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])),
    );
    try {
      return await this.#agent.request({
        origin: url,
        path,
        method: method,
        headers: {
          ...passedOn,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          "x-request-id": requestId,
          [FORWARDED]: "1",
        },
        body: body === undefined ? null : JSON.stringify(body),
        headersTimeout: timeoutMs,
        // A stream may be quiet for long, but its heartbeats are not this far apart.
        bodyTimeout: stream ? 0 : timeoutMs,
        ...(signal && { signal }),
      });
    } catch (error) {
      throw regionProblem(region, error);
    }
  }

  async #text(region: string, body: Dispatcher.ResponseData["body"]): Promise<string> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > MAX_ANSWER_BYTES)
          throw new ProblemError("regionUnavailable", `region ${region} answered more than ${MAX_ANSWER_BYTES} bytes`, {
            info: { region },
          });
        chunks.push(chunk);
      }
    } catch (error) {
      throw error instanceof ProblemError ? error : regionProblem(region, error);
    }
    return Buffer.concat(chunks).toString("utf8");
  }

  #names(): string {
    return this.#backend
      .regions()
      .map(({ name }) => name)
      .join(", ");
  }
}

function regionProblem(region: string, error: unknown): ProblemError {
  const late = error instanceof undiciErrors.HeadersTimeoutError || error instanceof undiciErrors.BodyTimeoutError;
  if (late) return new ProblemError("regionTimeout", `region ${region} did not answer in time`, { info: { region } });
  const { code, message } = error as { readonly code?: string; readonly message?: string };
  return new ProblemError(
    "regionUnavailable",
    `region ${region} does not answer: ${code ?? message ?? "no reason given"}`,
    { info: { region } },
  );
}

function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}
