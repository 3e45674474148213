import { Readable } from "node:stream";
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "../../protocol/clock";
import { MAX_TOKEN_SECS } from "../tokens";
import { type Answer, problemAnswer } from "./answer";
import { toProblemError } from "./failure";

/** Sends answers, and problems in place of them. */
export class Replies {
  readonly #clock: Clock;
  readonly #log: FastifyBaseLogger | undefined;

  constructor(clock: Clock, log: FastifyBaseLogger | undefined) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Does nothing where the call was answered already, because its deadline passed. */
  send(reply: FastifyReply, answer: Answer): void {
    const { body } = answer;
    if (!(body instanceof Readable)) sendWhole(reply, answer, body);
    else if (reply.sent) body.destroy();
    else this.#stream(reply, answer, body);
  }

  /** Answers what went wrong; what is Forge's own fault is logged. */
  fail(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const problem = toProblemError(error, request.headers["content-type"]);
    if (problem.code === "internal") this.#log?.error({ err: error, requestId: request.id }, "a call failed");
    (request.visit as typeof request.visit | undefined)?.failed(problem);
    this.send(reply, problemAnswer(problem, request.id));
  }

  #stream(reply: FastifyReply, { status, contentType, headers }: Answer, body: Readable): void {
    const { id: requestId } = reply.request;
    body.once("error", (error) => this.#log?.warn({ err: error, requestId }, "the stream of an answer failed"));
    // No token that opened it can be good any longer; its reader comes back where it was.
    body.once(
      "close",
      this.#clock.after(MAX_TOKEN_SECS * 1000, () => body.destroy()),
    );
    reply
      .code(status)
      .headers({ "content-type": contentType, "x-request-id": requestId, "x-content-type-options": "nosniff" });
    if (headers) reply.headers(headers);
    reply.send(body);
    // A stream may have nothing to say for long; its reader learns at once that it is open.
    reply.raw.flushHeaders();
  }
}

/** Past Fastify's own sending: nothing here hooks into it, and it would cost a short answer more than all of its making. */
function sendWhole(reply: FastifyReply, { status, contentType, headers }: Answer, body: string | Buffer): void {
  if (reply.sent) return;
  const length = typeof body === "string" ? Buffer.byteLength(body) : body.length;
  const head = [
    "content-type",
    contentType,
    "content-length",
    String(length),
    "x-request-id",
    reply.request.id,
    "x-content-type-options",
    "nosniff",
  ];
  for (const name in headers) head.push(name, headers[name] ?? "");
  reply.hijack();
  reply.raw.writeHead(status, head);
  if (reply.request.method === "HEAD") reply.raw.end();
  else reply.raw.end(body);
}
