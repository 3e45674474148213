import { Readable } from "node:stream";
import { ProblemError } from "../../problems";
import { type ApiContext, ask } from "../api-context";
import { type AnyRoute, route } from "../route";
import { idParams } from "../schemas/common";
import { logsQuery } from "../schemas/server";
import { regionOfPathId } from "./located";

export const serverLogRoutes: readonly AnyRoute[] = [
  route({
    key: "GET /v1/servers/:id/logs",
    tag: "servers",
    summary: "Read or follow a server's output",
    params: idParams,
    query: logsQuery,
    responses: { 200: { description: "Lines of output, as they come", contentType: "text/plain" } },
    weight: "streaming",
    region: regionOfPathId,
    async handle({ params, query, caller, reply }, api) {
      await ask(api, caller, { type: "getServer", serverId: params.id });
      if (query.task !== undefined) await requireTask(params.id, query.task, api);
      const gone = new AbortController();
      reply.raw.once("close", () => gone.abort());
      const signal = AbortSignal.any([gone.signal, api.closing]);
      const lines = api.backend.logs(params.id, {
        follow: query.follow ?? false,
        signal,
        ...(query.task !== undefined && { task: query.task }),
        ...(query.tailBytes !== undefined && { tailBytes: query.tailBytes }),
      });
      return {
        status: 200,
        contentType: "text/plain; charset=utf-8",
        headers: { "cache-control": "no-store" },
        body: Readable.from(withNewlines(lines, signal)),
      };
    },
  }),
];

/** Where its tasks are not known yet, its output will tell. @throws {ProblemError} unknownTask */
async function requireTask(serverId: string, task: string, { backend }: ApiContext): Promise<void> {
  const tasks = await backend.tasks(serverId);
  if (tasks === undefined || tasks.includes(task)) return;
  throw new ProblemError("unknownTask", `${serverId} has no task ${JSON.stringify(task)}; it has ${tasks.join(", ")}`);
}

/** Ends quietly where the reader has gone: an abort is how following a log usually ends. */
async function* withNewlines(lines: AsyncIterable<string>, signal: AbortSignal): AsyncGenerator<string> {
  try {
    for await (const line of lines) yield line.endsWith("\n") ? line : `${line}\n`;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
