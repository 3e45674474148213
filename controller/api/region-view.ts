import type { Region } from "../core/resources";
import { ProblemError } from "../problems";
import type { ApiContext } from "./api-context";
import type { Call } from "./route";

const REGION_MS = 3000;

interface Known {
  readonly name: string;
  readonly url: string | undefined;
  readonly location: readonly [number, number] | undefined;
}

/** Another region as its own controller tells it, or as down where that does not answer. */
export async function regionOf(call: Call, api: ApiContext, known: Known): Promise<Region> {
  try {
    const url = api.forwarder.urlOf(known.name);
    if (url === undefined) return downRegion(known);
    const path = `/v1/regions?region=${encodeURIComponent(known.name)}`;
    const { headers, id: requestId } = call.request;
    const answer = await api.forwarder.forward(known.name, url, {
      method: "GET",
      url: path,
      headers,
      requestId,
      timeoutMs: REGION_MS,
    });
    if (answer.status !== 200 || typeof answer.body !== "string") return downRegion(known);
    const { items } = JSON.parse(answer.body) as { items?: Region[] };
    return items?.[0] ?? downRegion(known);
  } catch (error) {
    if (error instanceof ProblemError) return downRegion(known);
    throw error;
  }
}

function downRegion({ name, url, location }: Known): Region {
  return {
    name,
    state: "down",
    url: url ?? null,
    ping: null,
    location: location ?? null,
    nodes: [],
    servers: 0,
    players: 0,
    queued: 0,
    seats: { total: 0, held: 0, free: 0 },
    cpu: 0,
    leader: null,
    epoch: 0,
    drain: null,
  };
}
