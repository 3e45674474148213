/** The controller refused: `status`, and the problem of RFC 9457 that it answered. */
export class ApiError extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? `the controller answered ${status}`);
    this.status = status;
    this.code = problem.code ?? `http${status}`;
  }
}

const TIMEOUT_MS = 15_000;
const PAGE = 1000;

/** Asks the controller that this page came from. */
export class Api {
  constructor(token) {
    this.token = token;
    /** What to add to this machine's clock to get the controller's, in milliseconds. */
    this.clockAheadMs = 0;
  }

  get headers() {
    return { authorization: `Bearer ${this.token}` };
  }

  now() {
    return Date.now() + this.clockAheadMs;
  }

  /** @throws {ApiError} where the answer is no, {TypeError} where there is none */
  get(path, query = {}) {
    return this.send("GET", path, { query });
  }

  /**
   * @param {{query?: object, body?: object, key?: string}} [what] `key` makes a POST that is sent twice count once
   * @throws {ApiError} where the answer is no, {TypeError} where there is none
   */
  async send(method, path, { query = {}, body: sent, key } = {}) {
    const search = new URLSearchParams(
      Object.entries(query).filter(([, value]) => value !== undefined && value !== ""),
    );
    const response = await fetch(search.size === 0 ? path : `${path}?${search}`, {
      method,
      headers: {
        ...this.headers,
        ...(sent === undefined ? {} : { "content-type": "application/json" }),
        ...(key === undefined ? {} : { "idempotency-key": key }),
      },
      ...(sent === undefined ? {} : { body: JSON.stringify(sent) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      cache: "no-store",
    });
    const date = Date.parse(response.headers.get("date") ?? "");
    if (!Number.isNaN(date)) this.noteClock(date);
    const body = await response.json().catch(() => ({}));
    if (!response.ok) throw new ApiError(response.status, body);
    return body;
  }

  /**
   * The items of a list, at most `limit` of them.
   * @returns {Promise<{items: object[], more: boolean, missing: {region: string, reason: string}[]}>}
   */
  async list(path, limit, query = {}) {
    const items = [];
    const missing = new Map();
    let after;
    do {
      const page = await this.get(path, { ...query, limit: Math.min(PAGE, limit - items.length), after });
      items.push(...page.items);
      for (const each of page.missing ?? []) missing.set(each.region, each);
      after = page.next ?? undefined;
    } while (after !== undefined && items.length < limit);
    return { items, more: after !== undefined, missing: [...missing.values()] };
  }

  /** The Date header has whole seconds: small differences are none. */
  noteClock(date) {
    const ahead = date + 500 - Date.now();
    this.clockAheadMs = Math.abs(ahead) < 2000 ? 0 : ahead;
  }
}
