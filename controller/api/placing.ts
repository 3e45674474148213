import type { RegionWish } from "../core/region-choice";
import { ProblemError } from "../problems";
import { ALL_REGIONS } from "../tokens";
import type { Answer } from "./answer";
import type { ApiContext } from "./api-context";
import type { Actor } from "./backend";
import { mayIn, requireRegion } from "./caller";
import type { Call } from "./route";

/** How long another region may take to place someone. */
const PLACE_MS = 5000;
/** Codes that say "not this region", where another may do. */
const ELSEWHERE = new Set(["regionUnavailable", "regionTimeout", "notLeader", "unavailable"]);

export interface Placing {
  /** The only region that will do, where one was named. */
  readonly region: string | undefined;
  /** What the best region is chosen by; called only where there is more than one. */
  readonly wish: () => Omit<RegionWish, "exclude">;
  /** Places in this region. */
  readonly here: () => Promise<Answer>;
  /** Codes after which the next best region is tried; those above where not given. */
  readonly elsewhereOn?: ReadonlySet<string>;
  /** How long the caller is ready to wait for a place beyond the usual, in milliseconds. */
  readonly patienceMs?: number;
}

/**
 * Places in the region that was asked for, else in the best one that answers. A region that fails in the middle may
 * have granted a seat that nobody will take: it goes back when its lease ends.
 * @throws {ProblemError} of the last region tried
 */
export function placeSomewhere(call: Call, api: ApiContext, placing: Placing): Promise<Answer> | Answer {
  const { actor } = call.caller;
  const { region } = placing;
  const here = api.backend.region;
  if (call.forwarded) {
    if (region !== undefined && region !== here)
      throw new ProblemError("forwardLoop", `region ${here} was passed a call for region ${region}`);
    requireRegion(actor, here);
    return placing.here();
  }
  if (region !== undefined) {
    requireRegion(actor, region);
    return placeIn(region, call, api, placing);
  }
  // Most runs have one region: nothing is made there for a choice that there is not.
  if (api.backend.regions().length <= 1 && mayIn(actor, here)) return placeIn(here, call, api, placing);
  return placeInBest(call, api, placing);
}

async function placeInBest(call: Call, api: ApiContext, placing: Placing): Promise<Answer> {
  const { elsewhereOn = ELSEWHERE } = placing;
  const { actor } = call.caller;
  const wish = placing.wish();
  const exclude = closedTo(actor, api);
  let last: ProblemError | Answer | undefined;
  for (;;) {
    const chosen = api.backend.chooseRegion(exclude.length > 0 ? { ...wish, exclude } : wish).region;
    // Where none can serve, one that the caller may ask says why not.
    const region =
      exclude.includes(chosen) && !last
        ? api.backend.regions().find(({ name }) => !exclude.includes(name))?.name
        : chosen;
    if (region === undefined || exclude.includes(region)) break;
    try {
      const answer = await placeIn(region, call, api, placing);
      if (!(answer.status >= 500 && elsewhereOn.has(codeOf(answer)))) return answer;
      last = answer;
    } catch (error) {
      if (!(error instanceof ProblemError && elsewhereOn.has(error.code))) throw error;
      last = error;
    }
    exclude.push(region);
  }
  if (last instanceof ProblemError) throw last;
  if (last) return last;
  throw new ProblemError(
    "regionNotAllowed",
    `this token is for ${actor.regions.join(", ") || "no region"}, and the run has none of them`,
  );
}

/** Regions that the caller's token is not for. */
function closedTo(actor: Actor, { backend }: ApiContext): string[] {
  if (actor.regions.includes(ALL_REGIONS)) return [];
  return backend.regions().flatMap(({ name }) => (mayIn(actor, name) ? [] : [name]));
}

function placeIn(region: string, call: Call, api: ApiContext, placing: Placing): Promise<Answer> | Answer {
  const url = api.forwarder.urlOf(region);
  if (url === undefined) return placing.here();
  const { request } = call;
  return api.forwarder.forward(region, url, {
    method: request.method,
    url: request.url,
    headers: request.headers,
    requestId: request.id,
    body: call.body,
    timeoutMs: PLACE_MS + Math.min(placing.patienceMs ?? 0, api.spawnWaitMs),
  });
}

function codeOf(answer: Answer): string {
  try {
    const { code } = JSON.parse(typeof answer.body === "string" ? answer.body : "") as { code?: unknown };
    return typeof code === "string" ? code : "";
  } catch {
    return "";
  }
}
