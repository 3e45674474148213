import type { IncomingMessage } from "node:http";
import { errorCodes, type FastifyInstance } from "fastify";
import { ProblemError } from "../problems";

type Done = (error: Error | null, body?: unknown) => void;

/**
 * Reads JSON bodies, and nothing else. An empty body is none: clients send the content type with empty POSTs too.
 * @param limitBytes what a body may have at most
 */
export function acceptJsonOnly(app: FastifyInstance, limitBytes: number): void {
  app.removeAllContentTypeParsers();
  // Refuses `__proto__` and `constructor.prototype` keys, for which it searches the text in two ways.
  const parse = app.getDefaultJsonParser("error", "error");
  app.addContentTypeParser("application/json", (request, payload, done) => {
    read(payload, limitBytes, (error, body) => {
      if (error) return done(error);
      const text = (body as Buffer).toString("utf8");
      if (text.length === 0) return done(null, undefined);
      const plain = plainJson(text);
      if (plain !== undefined) done(null, plain);
      else parse.call(app, request, text, (refused, value) => (refused ? done(whyNot(text)) : done(null, value)));
    });
  });
}

/**
 * Gives the whole body. Nearly every call's is there right after its headers, which it came with in one packet: it is taken
 * as it is. Following the stream to its end, which then nobody waits for, would cost a seat more than reading it.
 */
function read(payload: IncomingMessage, limitBytes: number, done: Done): void {
  const declared = Number(payload.headers["content-length"]);
  if (declared > limitBytes) return done(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE());
  process.nextTick(() => {
    const there = payload.readableLength === declared ? (payload.read() as Buffer | null) : null;
    if (there) done(null, there);
    else gather(payload, declared, limitBytes, done);
  });
}

/** @param declared NaN where its length was not said */
function gather(payload: IncomingMessage, declared: number, limitBytes: number, done: Done): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const end = (error: Error | null): void => {
    payload.off("data", onData).off("end", onEnd).off("error", onError);
    if (error) done(error);
    else done(null, Buffer.concat(chunks, bytes));
  };
  const onData = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > limitBytes) end(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE());
    else chunks.push(chunk);
  };
  const onEnd = (): void =>
    end(declared >= 0 && bytes !== declared ? new errorCodes.FST_ERR_CTP_INVALID_CONTENT_LENGTH() : null);
  const onError = (error: Error): void => end(Object.assign(error, { statusCode: 400 }));
  payload.on("data", onData).on("end", onEnd).on("error", onError);
}

/** What the text says, where it surely has no such key: written plainly or with escapes. Undefined where that is open, or it is no JSON. */
function plainJson(text: string): unknown {
  if (text.includes("\\") || text.includes("__proto__") || text.includes("constructor")) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Why a text was refused: V8 says where it is no JSON, by position or by what stands there, and of the rest it is a key. */
function whyNot(text: string): ProblemError {
  try {
    JSON.parse(text.startsWith("\uFEFF") ? text.slice(1) : text);
  } catch (error) {
    return new ProblemError("malformedJson", `the body is not JSON: ${(error as Error).message}`);
  }
  return new ProblemError(
    "malformedJson",
    'the body has a key "__proto__", or "constructor" with "prototype" in it: no call takes one',
  );
}
