import { Agent, request, type ClientRequest, type IncomingMessage } from "node:http";
import { apiError, ForgeApiError, ForgeUnreachableError } from "../errors";
import { retrying, type RetryPolicy } from "../retry";
import { abortReason, type Timing } from "../timing";

/** The gate holds a call while the agent behind it is away; longer than it does so. */
const ATTEMPT_MS = 20_000;
/** Answers are small; the largest, `gameserver`, carries a saved state of at most 256 KiB. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

export interface Call {
  readonly method: "GET" | "POST" | "PUT";
  readonly path: string;
  readonly body?: unknown;
  /** Overrides how long to go on trying, in milliseconds. */
  readonly retryForMs?: number;
}

/** Plain HTTP to the gate on this machine. Every call is tried again, jittered, while gate or agent is away. */
export class GateConnection {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 8 });
  private readonly closing = new AbortController();
  /** Under way now; a signal given to each instead would keep a listener for as long as its socket is reused. */
  private readonly requests = new Set<ClientRequest>();

  constructor(
    private readonly url: URL,
    private readonly token: string,
    private readonly timing: Timing,
    private readonly policy: RetryPolicy,
  ) {}

  /** Aborts when the connection is closed. */
  get closed(): AbortSignal {
    return this.closing.signal;
  }

  /**
   * One SDK call. `prepare` makes the body anew for each attempt: a repeated call may have to say that it is one.
   * @throws {ForgeApiError} where the answer is no
   * @throws {ForgeUnreachableError} where none came in time
   */
  async call(call: Call, prepare?: (attempt: number) => unknown): Promise<Record<string, unknown>> {
    const policy = call.retryForMs === undefined ? this.policy : { ...this.policy, forMs: call.retryForMs };
    const where = `${call.method} ${call.path}`;
    return retrying(
      this.timing,
      policy,
      (attempt) => this.attempt(where, call, prepare ? prepare(attempt) : call.body),
      (error) => {
        if (error instanceof ForgeUnreachableError) return { retry: true };
        if (!(error instanceof ForgeApiError) || !error.passing) return { retry: false };
        return { retry: true, afterMs: error.retryAfterSecs === undefined ? undefined : error.retryAfterSecs * 1000 };
      },
      this.closing.signal,
    );
  }

  /** Opens a stream that ends only with the other side or `destroy`; rejects as `call` does, without trying again. */
  async stream(path: string): Promise<IncomingMessage> {
    const where = `GET ${path}`;
    // A socket of its own: it is held for the server's life and must not count among those of calls.
    const sent = this.open("GET", path, { accept: "text/event-stream" }, new Agent({ keepAlive: false }));
    sent.setTimeout(ATTEMPT_MS, () => sent.destroy(new Error(`no answer within ${ATTEMPT_MS / 1000} s`)));
    sent.end();
    const answer = await answered(where, sent);
    if (answer.statusCode !== 200) throw problem(where, answer, await readText(where, answer));
    sent.setTimeout(0);
    return answer;
  }

  close(): void {
    this.closing.abort(new Error("the connection to Forge was closed"));
    for (const sent of this.requests) sent.destroy();
    this.agent.destroy();
  }

  private async attempt(where: string, call: Call, body: unknown): Promise<Record<string, unknown>> {
    const text = call.method === "GET" ? undefined : JSON.stringify(body ?? {});
    const headers =
      text === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
    const sent = this.open(call.method, call.path, headers, this.agent);
    sent.setTimeout(ATTEMPT_MS, () => sent.destroy(new Error(`no answer within ${ATTEMPT_MS / 1000} s`)));
    sent.end(text);
    const answer = await answered(where, sent);
    const content = await readText(where, answer);
    const status = answer.statusCode ?? 0;
    if (status < 200 || status > 299) throw problem(where, answer, content);
    const parsed = parse(content);
    return typeof parsed === "object" && parsed !== null ? (parsed as Record<string, unknown>) : {};
  }

  private open(method: string, path: string, headers: Record<string, string | number>, agent: Agent): ClientRequest {
    const sent = request(new URL(path, this.url), {
      method,
      agent,
      headers: { ...headers, authorization: `Bearer ${this.token}` },
    });
    this.requests.add(sent);
    sent.on("close", () => this.requests.delete(sent));
    if (this.closing.signal.aborted) sent.destroy(abortReason(this.closing.signal));
    return sent;
  }
}

function answered(where: string, sent: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.once("response", resolve);
    // Also after the answer's head: an error then belongs to reading it, and must not be uncaught.
    sent.on("error", (error) => reject(new ForgeUnreachableError(where, error)));
  });
}

async function readText(where: string, answer: IncomingMessage): Promise<string> {
  answer.setEncoding("utf8");
  let text = "";
  try {
    for await (const chunk of answer) {
      text += chunk as string;
      if (text.length > MAX_ANSWER_BYTES) throw new Error(`the answer is over ${MAX_ANSWER_BYTES} bytes`);
    }
  } catch (error) {
    throw new ForgeUnreachableError(where, error);
  }
  return text;
}

function problem(where: string, answer: IncomingMessage, content: string): ForgeApiError {
  return apiError(where, answer.statusCode ?? 0, parse(content), answer.headers["retry-after"]);
}

function parse(content: string): unknown {
  try {
    return JSON.parse(content === "" ? "{}" : content);
  } catch {
    return content;
  }
}
