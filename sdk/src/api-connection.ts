import { deadline } from "./deadline";
import { apiError, ForgeApiError, ForgeUnreachableError } from "./errors";
import { retrying, type RetryPolicy } from "./retry";
import { abortReason, type Timing } from "./timing";
import { type TokenSource, withToken } from "./token-source";

export type Fetch = typeof fetch;

/** How long one attempt may take beyond the time that the call itself waits, in milliseconds. */
const ATTEMPT_MS = 15_000;
/**
 * A controller that let a call wait in vain is left out for so long, in milliseconds, while another one answers: asking
 * one whose machine is gone takes ten seconds each time, and whoever looks for a seat has thirty.
 */
const SILENT_MS = 10_000;
/** One that fails sooner than this is asked again as before: that costs nothing, and it may just be starting. */
const IN_VAIN_MS = 1_000;

export interface ApiCall {
  readonly method: "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
  /** With its query. */
  readonly path: string;
  readonly body?: unknown;
  /** Instead of the connection's own token. */
  readonly authorization?: string;
  /** Seconds that the answer may be held back: of a long poll. */
  readonly waitSecs?: number;
  /** Overrides how long to go on trying, in milliseconds. */
  readonly retryForMs?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

/**
 * Calls to the controllers of one run. Where one does not answer, the next known one is asked: each forwards what is
 * another region's. A POST carries one `Idempotency-Key` through all attempts, so a repeated one has its effect once.
 */
export class ApiConnection {
  private readonly urls: string[];
  /** When a controller last let a call wait in vain, by its URL. */
  private readonly silent = new Map<string, number>();
  private at = 0;

  /** @param urls bases such as `http://127.0.0.1:7700`, the preferred one first */
  constructor(
    urls: readonly string[],
    private readonly token: TokenSource | undefined,
    private readonly timing: Timing,
    private readonly policy: RetryPolicy,
    private readonly fetch: Fetch,
  ) {
    this.urls = [];
    for (const url of urls) this.know(url);
    if (this.urls.length === 0) throw new TypeError("no controller's URL was given");
  }

  /** Remembers one more controller to ask when others do not answer. */
  know(url: string): void {
    const base = url.replace(/\/+$/, "");
    if (!/^https?:\/\//.test(base))
      throw new TypeError(`"${url}" is no URL of a controller: expected http://HOST:PORT`);
    if (!this.urls.includes(base)) this.urls.push(base);
  }

  get known(): readonly string[] {
    return this.urls;
  }

  /** The base that answered last. */
  get url(): string {
    return this.urls[this.at % this.urls.length] ?? "";
  }

  /** Asks the next controller from now on, unless another call has gone on from this one already. */
  private leave(from: string, waitedMs = 0): void {
    if (waitedMs >= IN_VAIN_MS) this.silent.set(from, this.timing.now());
    if (from !== this.url) return;
    const others = this.urls.map((_url, step) => (this.at + step) % this.urls.length).slice(1);
    const next = others.find((at) => !this.isSilent(this.urls[at] ?? ""));
    // Where all others are silent, one that has answered is asked again; one that has not is not.
    if (next !== undefined) this.at = next;
    else if (this.isSilent(from)) this.at = others[0] ?? this.at;
  }

  private isSilent(url: string): boolean {
    const agoMs = this.timing.now() - (this.silent.get(url) ?? -Infinity);
    return agoMs >= 0 && agoMs < SILENT_MS;
  }

  /**
   * @throws {ForgeApiError} where the answer is no
   * @throws {ForgeUnreachableError} where no controller answered in time
   */
  async call(call: ApiCall): Promise<ApiAnswer> {
    const policy = call.retryForMs === undefined ? this.policy : { ...this.policy, forMs: call.retryForMs };
    const headers: Record<string, string> = {};
    if (call.authorization !== undefined) headers["authorization"] = call.authorization;
    if (call.body !== undefined) headers["content-type"] = "application/json";
    if (call.method === "POST") headers["idempotency-key"] = globalThis.crypto.randomUUID();
    const token = call.authorization === undefined ? this.token : undefined;
    let asked = this.url;
    let askedMs = this.timing.now();
    return retrying(
      this.timing,
      policy,
      () =>
        withToken(token, (authorization) => {
          asked = this.url;
          askedMs = this.timing.now();
          return this.attempt(asked, call, { ...authorization, ...headers });
        }),
      (error) => {
        if (error instanceof ForgeUnreachableError) {
          this.leave(asked, this.timing.now() - askedMs);
          return { retry: true };
        }
        if (!(error instanceof ForgeApiError) || !error.passing) return { retry: false };
        if (error.status !== 429) this.leave(asked);
        return { retry: true, afterMs: error.retryAfterSecs === undefined ? undefined : error.retryAfterSecs * 1000 };
      },
      call.signal,
    );
  }

  private async attempt(base: string, call: ApiCall, headers: Record<string, string>): Promise<ApiAnswer> {
    const where = `${call.method} ${call.path.split("?")[0] ?? ""}`;
    const limit = deadline((call.waitSecs ?? 0) * 1000 + ATTEMPT_MS, call.signal);
    let status: number;
    let text: string;
    let retryAfter: string | undefined;
    try {
      const response = await this.fetch(base + call.path, {
        method: call.method,
        headers,
        signal: limit.signal,
        ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      });
      status = response.status;
      retryAfter = response.headers.get("retry-after") ?? undefined;
      text = await response.text();
    } catch (error) {
      if (call.signal?.aborted) throw abortReason(call.signal);
      throw new ForgeUnreachableError(`${where} at ${base}`, error);
    } finally {
      limit.clear();
    }
    const body = parse(text);
    if (status < 200 || status > 299) throw apiError(where, status, body, retryAfter);
    return { status, body };
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text === "" ? "null" : text);
  } catch {
    return text;
  }
}

/** A query string from what is set; "" where nothing is. */
export function query(fields: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) search.set(name, String(value));
  return search.size === 0 ? "" : `?${search.toString()}`;
}
