import type { IncomingHttpHeaders } from "node:http";
import { Readable } from "node:stream";
import { ProblemError } from "../../problems";
import type { Answer } from "../answer";
import type { ApiContext } from "../api-context";
import { mayIn, requireRegion } from "../caller";
import type { EventFilter } from "../event-filter";
import { EventStream } from "../event-stream";
import { type AnyRoute, type Call, route } from "../route";
import { type RegionEvents, RunEventStream } from "../run-events";
import { type EventsQuery, eventsQuery } from "../schemas/event";

const ALL = "*";
/** Another region's time to begin its stream. */
const OPEN_MS = 5000;

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
    region: ({ query }, { backend }) => (query.region === ALL ? undefined : (query.region ?? backend.region)),
    handle(call, api) {
      const lastId = lastIdOf(call.request.headers, call.query);
      const { type: types, serverId, sessionId, experienceId } = call.query;
      const filter: EventFilter = { types, serverId, sessionId, experienceId };
      if (call.query.region !== ALL || call.forwarded) {
        requireRegion(call.caller.actor, api.backend.region);
        return streamed(new EventStream(api.backend.events, api.clock, filter, lastId), api);
      }
      const regions = api.backend.regions().filter(({ name }) => mayIn(call.caller.actor, name));
      if (regions.length === 0)
        throw new ProblemError("regionNotAllowed", "this token is for none of the run's regions");
      const sources = regions.map(({ name }) =>
        name === api.backend.region ? own(api, filter) : other(call, api, name),
      );
      return streamed(new RunEventStream(sources, api.clock, lastId), api);
    },
  }),
];

function lastIdOf(headers: IncomingHttpHeaders, { lastEventId }: EventsQuery): string | undefined {
  const header = headers["last-event-id"];
  return typeof header === "string" && header !== "" ? header : lastEventId;
}

function own({ backend, clock }: ApiContext, filter: EventFilter): RegionEvents {
  return {
    region: backend.region,
    open: (lastId) => Promise.resolve(new EventStream(backend.events, clock, filter, lastId)),
  };
}

function other({ request }: Call, { forwarder }: ApiContext, region: string): RegionEvents {
  return {
    region,
    async open(lastId) {
      const target = forwarder.urlOf(region);
      if (target === undefined) throw new ProblemError("regionUnavailable", `region ${region} has no address`);
      const asked = new URL(request.url, "http://region");
      asked.searchParams.set("region", region);
      asked.searchParams.delete("lastEventId");
      const { authorization } = request.headers;
      const { status, body } = await forwarder.forward(region, target, {
        method: "GET",
        url: asked.pathname + asked.search,
        headers: { authorization, ...(lastId !== undefined && { "last-event-id": lastId }) },
        requestId: request.id,
        timeoutMs: OPEN_MS,
        stream: true,
      });
      if (body instanceof Readable) return body;
      throw new ProblemError("regionUnavailable", `region ${region} answered ${status}`);
    },
  };
}

function streamed(body: Readable, { closing }: ApiContext): Answer {
  const end = (): void => void body.destroy();
  closing.addEventListener("abort", end);
  body.once("close", () => closing.removeEventListener("abort", end));
  const headers = { "cache-control": "no-store", "x-accel-buffering": "no" };
  return { status: 200, contentType: "text/event-stream", headers, body };
}
