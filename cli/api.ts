import { randomUUID } from "node:crypto";
import { errorCode, errorMessage } from "./error-code";
import { EXIT } from "./exit-code";
import { ApiError, CliError } from "./failure";

export type Fields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface ApiCall {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Fields;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds until the answer must have begun; 30,000 where not given. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** A list with what it lacks: regions that did not answer. */
export interface Listed<T> {
  readonly items: readonly T[];
  readonly missing: readonly { readonly region: string; readonly reason: string }[];
}

export interface ForgeApiOptions {
  /** Controllers of one run, `http://HOST:PORT`, the preferred one first. Where it cannot be connected to, the next is asked. */
  readonly urls: readonly string[];
  /** Asked before each call, so that a long command outlives one token. */
  readonly token: () => string | undefined;
  /** What to do where no controller can be reached. */
  readonly unreachableFix: () => string;
  readonly fetch?: typeof fetch;
}

const TIMEOUT_MS = 30_000;
/** Pages of a list are this long. */
const PAGE = 1000;
/** A list that is longer than this is not for people; `next` ends it anyway unless the controller is broken. */
const MAX_PAGES = 1000;

/** Calls to a run's controllers. Answers come from Forge itself, so their types are trusted. */
export class ForgeApi {
  constructor(private readonly options: ForgeApiOptions) {}

  get urls(): readonly string[] {
    return this.options.urls;
  }

  /** The same with one controller alone: another region's own, as `GET /v1/regions` names it. */
  at(url: string): ForgeApi {
    return new ForgeApi({ ...this.options, urls: [url] });
  }

  get<T>(path: string, query: Fields = {}, signal?: AbortSignal): Promise<T> {
    return this.json<T>({ method: "GET", path, query, signal });
  }

  /** Every page of a list. */
  async list<T>(path: string, query: Fields = {}): Promise<Listed<T>> {
    const items: T[] = [];
    const missing = new Map<string, string>();
    let after: string | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      const answer = await this.get<Page<T>>(path, { ...query, limit: PAGE, after });
      items.push(...answer.items);
      for (const { region, reason } of answer.missing ?? []) missing.set(region, reason);
      if (answer.next == null) break;
      after = answer.next;
    }
    return { items, missing: [...missing].map(([region, reason]) => ({ region, reason })) };
  }

  /** @throws {ApiError} where the answer is no; {CliError} unreachable */
  async json<T>(call: ApiCall): Promise<T> {
    const timeoutMs = call.timeoutMs ?? TIMEOUT_MS;
    const { controller: limit, unlink } = linkedAbort(call.signal);
    // The whole answer, not only its beginning: a controller may die in the middle of it.
    const timer = setTimeout(() => limit.abort(lateAfter(timeoutMs)), timeoutMs);
    try {
      const bounded = { ...call, signal: limit.signal };
      const text = await this.read(bounded, await this.open(bounded));
      const body = parse(text);
      if (body === undefined) throw badAnswer(call, "is not JSON");
      return body as T;
    } finally {
      clearTimeout(timer);
      unlink();
    }
  }

  /**
   * The answer as it comes; its status is 2xx.
   * @throws {ApiError} where the answer is no; {CliError} unreachable
   */
  async open(call: ApiCall): Promise<Response> {
    const key = call.method === "POST" ? randomUUID() : undefined;
    let last: unknown;
    for (const url of this.options.urls) {
      let response: Response;
      try {
        response = await this.send(url, call, key);
      } catch (error) {
        if (call.signal?.aborted) throw error;
        last = error;
        // Another controller may be asked only where this one certainly did not get the call, or the call changes nothing.
        if (call.method === "GET" || key !== undefined || NOT_CONNECTED.has(causeCode(error) ?? "")) continue;
        break;
      }
      if (response.ok) return response;
      throw new ApiError(`${call.method} ${call.path}`, problemOf(response.status, await this.read(call, response)));
    }
    throw this.unreachable(last);
  }

  private async send(url: string, call: ApiCall, key: string | undefined): Promise<Response> {
    const token = this.options.token();
    const { controller: waiting, unlink } = linkedAbort(call.signal);
    const timeoutMs = call.timeoutMs ?? TIMEOUT_MS;
    const timer = setTimeout(() => waiting.abort(lateAfter(timeoutMs)), timeoutMs);
    try {
      return await (this.options.fetch ?? fetch)(url + call.path + queryOf(call.query ?? {}), {
        method: call.method,
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(call.body !== undefined && { "content-type": "application/json" }),
          ...(key !== undefined && { "idempotency-key": key }),
          ...call.headers,
        },
        signal: waiting.signal,
        redirect: "error",
        ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
      });
    } catch (error) {
      unlink();
      throw error;
    } finally {
      // From here on the answer may take its time: it may be a stream.
      clearTimeout(timer);
    }
  }

  private async read(call: ApiCall, response: Response): Promise<string> {
    try {
      return await response.text();
    } catch (error) {
      if (call.signal?.aborted) throw error;
      throw badAnswer(call, `broke off: ${reasonOf(error)}`);
    }
  }

  private unreachable(error: unknown): CliError {
    const where = this.options.urls.join(" and ");
    const message = `no controller answers at ${where}: ${reasonOf(error)}`;
    return new CliError("unreachable", EXIT.unreachable, message, this.options.unreachableFix());
  }
}

interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string | null;
  readonly missing?: readonly { readonly region: string; readonly reason: string }[];
}

interface LinkedAbort {
  readonly controller: AbortController;
  /** Lets go of the parent, which may outlive many such. */
  readonly unlink: () => void;
}

/**
 * Aborts with `parent`, or on its own. A listener holds it: what `AbortSignal.any` of Node 20 gives can be collected as
 * garbage while a stream still waits for it.
 */
export function linkedAbort(parent: AbortSignal | undefined): LinkedAbort {
  const controller = new AbortController();
  const follow = (): void => controller.abort(parent?.reason);
  if (parent?.aborted) follow();
  parent?.addEventListener("abort", follow, { once: true });
  return { controller, unlink: () => parent?.removeEventListener("abort", follow) };
}

function lateAfter(ms: number): Error {
  return new Error(`no answer within ${ms / 1000} s`);
}

const NOT_CONNECTED = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** fetch hides what happened in a cause, and that of an address with several IPs in a list of them. */
function causeCode(error: unknown): string | undefined {
  const cause = typeof error === "object" && error !== null && "cause" in error ? error.cause : undefined;
  if (cause === undefined) return errorCode(error);
  return errorCode(cause);
}

function reasonOf(error: unknown): string {
  const code = causeCode(error);
  if (code === "ECONNREFUSED") return "connection refused";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "the host's name is unknown";
  if (code === "ECONNRESET" || code === "UND_ERR_SOCKET") return "the connection broke";
  if (code !== undefined) return code;
  const cause = typeof error === "object" && error !== null && "cause" in error ? error.cause : undefined;
  return errorMessage(cause ?? error);
}

function badAnswer({ method, path }: ApiCall, problem: string): CliError {
  const fix = "check that FORGE_ADDR or --addr names a controller of Forge, and nothing else on that port";
  return new CliError("badAnswer", EXIT.failed, `the answer to ${method} ${path} ${problem}`, fix);
}

function problemOf(status: number, text: string): ApiError["problem"] {
  const body = parse(text);
  return typeof body === "object" && body !== null ? { ...body, status } : { status };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function queryOf(fields: Fields): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) query.set(name, String(value));
  return query.size === 0 ? "" : `?${query.toString()}`;
}
