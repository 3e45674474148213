import { EventStream } from "../event-stream";
import { type AnyRoute, route } from "../route";
import { regionOfQueryOrHere } from "./located";
import { eventsQuery } from "../schemas/event";

export const eventRoutes: readonly AnyRoute[] = [
  route({
    key: "GET /v1/events",
    tag: "events",
    summary: "Follow what happens, as server-sent events",
    query: eventsQuery,
    responses: {
      200: {
        description: "Events; a `reset` event where those since Last-Event-ID are no longer held",
        contentType: "text/event-stream",
      },
    },
    weight: "streaming",
    region: regionOfQueryOrHere,
    handle({ query, request }, api) {
      const header = request.headers["last-event-id"];
      const lastId = typeof header === "string" && header !== "" ? header : query.lastEventId;
      const { type: types, serverId, sessionId, experienceId } = query;
      const body = new EventStream(api.backend.events, api.clock, { types, serverId, sessionId, experienceId }, lastId);
      const end = (): void => void body.destroy();
      api.closing.addEventListener("abort", end);
      body.once("close", () => api.closing.removeEventListener("abort", end));
      return {
        status: 200,
        contentType: "text/event-stream",
        headers: { "cache-control": "no-store", "x-accel-buffering": "no" },
        body,
      };
    },
  }),
];
