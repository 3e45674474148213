import type { FastifyInstance } from "fastify";

/** Reads JSON bodies, and nothing else. An empty body is none: clients send the content type with empty POSTs too. */
export function acceptJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  // Refuses `__proto__` and `constructor.prototype` keys.
  const parse = app.getDefaultJsonParser("error", "error");
  app.addContentTypeParser("application/json", { parseAs: "string" }, (request, body, done) => {
    if (body.length === 0) done(null, undefined);
    else parse.call(app, request, body as string, done);
  });
}
