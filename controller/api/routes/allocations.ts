import { z } from "zod";
import { formatAddress } from "../../../protocol/address";
import { ProblemError } from "../../problems";
import type { Shifted } from "../../shift/match-sharing";
import { wishOf } from "../../core/version-wish";
import { type Answer, json } from "../answer";
import { ask } from "../api-context";
import { mayIn } from "../caller";
import { placeSomewhere } from "../placing";
import { type AnyRoute, route } from "../route";
import { allocateBody, matchAllocationSchema } from "../schemas/allocation";
import { noQuery } from "../schemas/common";
import { agonesMatchSchema } from "../schemas/shift";

/** A match that may have been allocated must not be allocated elsewhere too: only a region that was never reached is left out. */
const NEVER_REACHED: ReadonlySet<string> = new Set(["regionUnavailable", "notLeader"]);

export const allocationRoutes: readonly AnyRoute[] = [
  route({
    key: "POST /v1/allocations",
    tag: "allocations",
    summary: "A whole server for one match",
    query: noQuery,
    body: allocateBody,
    responses: {
      200: {
        description: "The server, and a ticket for each player; of Agones' cluster, while a shift gives it some",
        schema: z.union([matchAllocationSchema, agonesMatchSchema]),
      },
    },
    action: "match.allocate",
    // It may wait for a server as long as the caller asked it to.
    weight: "waiting",
    handle(call, api) {
      const { region, ...match } = call.body;
      const place = (): Promise<Answer> | Answer =>
        placeSomewhere(call, api, {
          region,
          wish: () => ({
            experienceId: match.experienceId,
            version: wishOf(match.version, match.clientVersion),
            mods: [],
            region,
            latencies: meanLatencies(match.players),
            partySize: match.players.length,
          }),
          elsewhereOn: NEVER_REACHED,
          patienceMs: call.body.deadlineMs ?? USUAL_WAIT_MS,
          here: async () => json(200, await ask(api, call.caller, { type: "allocateMatch", ...match })),
        });
      // Where the caller may place here, and did not ask for elsewhere.
      const isHere =
        (region ?? api.backend.region) === api.backend.region && mayIn(call.caller.actor, api.backend.region);
      const shifted = isHere ? api.shift?.allocate(match, async () => orThrow(await place())) : undefined;
      return shifted?.then(answerOf(match.matchId)) ?? place();
    },
  }),
];

/** Another region's refusal is Forge's own, to the one who shares matches out. */
function orThrow(answer: Answer): Answer {
  if (answer.status < 500) return answer;
  throw new ProblemError("regionUnavailable", `another region answered ${answer.status}`);
}

function answerOf(matchId: string) {
  return (shifted: Shifted<Answer>): Answer => {
    if (shifted.source === "forge") return shifted.answer;
    const { id, address, ports } = shifted.match;
    const [port] = Object.values(ports);
    const connection = port === undefined ? address : formatAddress({ host: address, port });
    return json(200, { source: "agones", server: { id, address, ports }, connection, matchId, tickets: {} });
  };
}

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
