import type { FastifyInstance } from "fastify";

/** Reads JSON bodies, and nothing else. An empty body is none: clients send the content type with empty POSTs too. */
export function acceptJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  // Refuses `__proto__` and `constructor.prototype` keys, for which it searches the text in two ways.
  const parse = app.getDefaultJsonParser("error", "error");
  app.addContentTypeParser("application/json", { parseAs: "string" }, (request, body, done) => {
    if (body.length === 0) return done(null, undefined);
    const plain = plainJson(body as string);
    if (plain !== undefined) done(null, plain);
    else parse.call(app, request, body as string, done);
  });
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
