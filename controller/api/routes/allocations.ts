import { json } from "../answer";
import { ask } from "../api-context";
import { placeSomewhere } from "../placing";
import { type AnyRoute, route } from "../route";
import { allocateBody, matchAllocationSchema } from "../schemas/allocation";
import { noQuery } from "../schemas/common";

/** A match that may have been allocated must not be allocated elsewhere too: only a region that was never reached is left out. */
const NEVER_REACHED: ReadonlySet<string> = new Set(["regionUnavailable", "notLeader"]);

export const allocationRoutes: readonly AnyRoute[] = [
  route({
    key: "POST /v1/allocations",
    tag: "allocations",
    summary: "A whole server for one match",
    query: noQuery,
    body: allocateBody,
    responses: { 200: { description: "The server, and a ticket for each player", schema: matchAllocationSchema } },
    action: "match.allocate",
    // It may wait for a server as long as the caller asked it to.
    weight: "waiting",
    handle(call, api) {
      const { region, ...match } = call.body;
      const { experienceId, version, players } = match;
      const wanted = {
        experienceId,
        version,
        mods: [],
        region,
        latencies: meanLatencies(players),
        partySize: Math.max(1, players.length),
      };
      return placeSomewhere(call, api, {
        ask: wanted,
        elsewhereOn: NEVER_REACHED,
        patienceMs: call.body.deadlineMs ?? USUAL_WAIT_MS,
        here: async () => json(200, await ask(api, call.caller, { type: "allocateMatch", ...match })),
      });
    },
  }),
];

/** A match that names no deadline waits as long as its experience says, which only the region that has it knows. */
const USUAL_WAIT_MS = 30_000;

/** What a region is like for the players who measured it. */
function meanLatencies(
  players: readonly { readonly latencies?: Readonly<Record<string, number>> }[],
): Record<string, number> {
  const sums = new Map<string, { total: number; count: number }>();
  for (const { latencies = {} } of players) {
    for (const [region, ms] of Object.entries(latencies)) {
      const sum = sums.get(region) ?? { total: 0, count: 0 };
      sums.set(region, { total: sum.total + ms, count: sum.count + 1 });
    }
  }
  return Object.fromEntries([...sums].map(([region, { total, count }]) => [region, total / count]));
}
