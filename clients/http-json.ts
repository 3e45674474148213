import { Pool, type Dispatcher } from "./undici.cjs";

/** Where an HTTP API is and how to be let in. */
export interface HttpTarget {
  /** `http://HOST:PORT`, `https://HOST:PORT`, or `unix:///PATH` of a socket. */
  readonly address: string;
  /** PEM of the CA that the server's certificate must come from; the system's own where not given. */
  readonly ca?: string | undefined;
  /** PEM of the client's own certificate and its key, where the server asks for one. */
  readonly certificate?: { readonly cert: string; readonly key: string } | undefined;
  /** Asked before each call: tokens are renewed while a client lives. */
  readonly headers?: () => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;
  /** What messages call it: "Nomad", "Consul", "Vault". */
  readonly name: string;
}

export type HttpMethod = "GET" | "PUT" | "POST" | "DELETE" | "LIST" | "HEAD";

export interface HttpCall {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON; a string is sent as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds for the whole answer; 10,000 where not given. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

const TIMEOUT_MS = 10_000;
const CONNECTIONS = 64;
/** Of an error's text that is kept: enough for any message of the three, and bounded. */
const TEXT_LIMIT = 2000;

/** An answer that is no 2xx. The message names system, call, status and what it said; never a token. */
export class HttpStatusError extends Error {
  constructor(
    readonly target: string,
    readonly call: string,
    readonly status: number,
    readonly text: string,
    readonly headers: HttpAnswer["headers"] = {},
  ) {
    super(`${target} answered ${String(status)} to ${call}${text === "" ? "" : `: ${text}`}`);
    this.name = "HttpStatusError";
  }
}

/** No answer: nobody listens, the connection broke, or it took too long. */
export class HttpUnreachable extends Error {
  constructor(
    readonly target: string,
    readonly call: string,
    cause: unknown,
  ) {
    super(`${target} did not answer ${call}: ${reasonOf(cause)}`, { cause });
    this.name = "HttpUnreachable";
  }
}

/** JSON over HTTP to Nomad, Consul or Vault, over kept connections. */
export class HttpJson {
  private readonly pool: Pool;
  private readonly base: string;

  constructor(private readonly target: HttpTarget) {
    const { address, ca, certificate } = target;
    const socketPath = address.startsWith("unix://") ? address.slice("unix://".length) : undefined;
    const url = new URL(socketPath === undefined ? address : "http://localhost");
    this.base = url.pathname.replace(/\/$/, "");
    this.pool = new Pool(url.origin, {
      connections: CONNECTIONS,
      connect: {
        ...(ca === undefined ? {} : { ca }),
        ...certificate,
        ...(socketPath === undefined ? {} : { socketPath }),
      },
    });
  }

  /**
   * @throws {HttpStatusError} where the status is not 2xx
   * @throws {HttpUnreachable} where no whole answer came in time
   */
  async json<T>(method: HttpMethod, path: string, call: HttpCall = {}): Promise<T> {
    const { text } = await this.answer(method, path, call);
    try {
      return (text === "" ? undefined : JSON.parse(text)) as T;
    } catch (error) {
      throw new HttpUnreachable(this.target.name, `${method} ${path}`, error);
    }
  }

  /** The same without reading the text as JSON, with status and headers. */
  async answer(method: HttpMethod, path: string, call: HttpCall = {}): Promise<HttpAnswer> {
    const { timeoutMs = TIMEOUT_MS, signal } = call;
    const limit = new AbortController();
    const abort = (): void => limit.abort(signal?.reason);
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort, { once: true });
    // Held by this timer: a signal of AbortSignal.timeout alone may be collected as garbage before it fires.
    const timer = setTimeout(() => limit.abort(new Error(`no answer within ${String(timeoutMs)} ms`)), timeoutMs);
    try {
      const response = await this.send(method, path, call, limit.signal, timeoutMs);
      const text = await response.body.text();
      const answer = { status: response.statusCode, headers: response.headers, text };
      if (response.statusCode >= 200 && response.statusCode < 300) return answer;
      const said = text.trim().slice(0, TEXT_LIMIT);
      throw new HttpStatusError(this.target.name, `${method} ${path}`, answer.status, said, answer.headers);
    } catch (error) {
      if (error instanceof HttpStatusError) throw error;
      throw new HttpUnreachable(this.target.name, `${method} ${path}`, limit.signal.reason ?? error);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }

  /** A long answer as it comes, until it ends or `signal` aborts; no deadline of its own. */
  async stream(
    method: HttpMethod,
    path: string,
    call: HttpCall & { readonly signal: AbortSignal },
  ): Promise<AsyncIterable<Buffer>> {
    let response: Dispatcher.ResponseData;
    try {
      response = await this.send(method, path, call, call.signal, 0);
    } catch (error) {
      throw new HttpUnreachable(this.target.name, `${method} ${path}`, error);
    }
    if (response.statusCode === 200) return response.body as AsyncIterable<Buffer>;
    const text = (await response.body.text()).trim().slice(0, TEXT_LIMIT);
    throw new HttpStatusError(this.target.name, `${method} ${path}`, response.statusCode, text);
  }

  /** Ends every connection; calls under way fail. */
  async close(): Promise<void> {
    await this.pool.destroy();
  }

  private async send(
    method: HttpMethod,
    path: string,
    { query, body, headers }: HttpCall,
    signal: AbortSignal,
    timeoutMs: number,
  ): Promise<Dispatcher.ResponseData> {
    const own = (await this.target.headers?.()) ?? {};
    const type = body === undefined || typeof body === "string" ? {} : { "content-type": "application/json" };
    return this.pool.request({
      // LIST is Vault's own verb.
      method: method,
      path: this.base + path + queryText(query),
      headers: { ...type, ...own, ...headers },
      signal,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
  }
}

function queryText(query: HttpCall["query"] = {}): string {
  const set = Object.entries(query).filter(([, value]) => value !== undefined);
  return set.length === 0
    ? ""
    : `?${new URLSearchParams(set.map(([key, value]): [string, string] => [key, String(value)])).toString()}`;
}

function reasonOf(cause: unknown): string {
  const { code, message } = cause as { readonly code?: unknown; readonly message?: unknown };
  return [code, message].filter((part) => typeof part === "string" && part !== "").join(" ") || String(cause);
}
