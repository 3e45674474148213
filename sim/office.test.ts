import type { Decision } from "../controller/core/decision";
import { USUAL_SIZE, World } from "./world";

/** Worlds that are looked at until all of it was seen. */
const MOST_SEEDS = 12;

const EXPECTED = [
  ...["started", "promoted", "paused", "resumed", "rolledBack", "done"].map((step) => `rollout ${step}`),
  ...["allocated", "allocated again", "backfilled", "queued"],
  ...["lobby to 1", "raid to 0", "starts raid", "moves the players of SERVER", "arena to 3"],
  ...["region.moving", "moved away", "region.undrained", "stopped as its node is drained"],
];

type Claim = Extract<Extract<Decision, { type: "send" }>["body"], { kind: "claim" }>;

/** What a decision comes to, in a few words. */
function wordsFor(decision: Decision): string {
  switch (decision.type) {
    case "start":
      return `starts ${decision.launch.experienceId}`;
    case "record":
      return decision.record.outcome.replace(/(?:srv|gs)-\S+/, "SERVER");
    case "event": {
      const { event } = decision;
      if (event.type === "rollout") return `rollout ${event.step}`;
      if (event.type === "scaling") return `${event.experienceId} to ${String(event.to)}`;
      return event.type === "session.moved" && event.detail && "toRegion" in event.detail ? "moved away" : event.type;
    }
    default:
      return decision.type;
  }
}

/** Notes what is decided and told in a busy world in which nothing goes wrong. */
async function watch(seed: number, seen: Set<string>): Promise<void> {
  const world = new World(seed, { ...USUAL_SIZE, regions: 2 });
  const matches = new Map<string, ReadonlySet<string>>();
  const noteClaim = ({ matchId, seats }: Claim): void => {
    const before = matches.get(matchId);
    if (before && matchId.startsWith("match-") && seats.some(({ playerId }) => !before.has(playerId)))
      seen.add("backfilled");
    matches.set(matchId, new Set([...(before ?? []), ...seats.map(({ playerId }) => playerId)]));
  };
  world.watches.push({
    onAllocated: ({ counters }) => seen.add((counters.rooms?.count ?? 0) > 1 ? "allocated again" : "allocated"),
    onStop: (region, node) => region.nomad.isDraining(node.nodeId) && seen.add("stopped as its node is drained"),
    queued: () => seen.add("queued"),
    onDecision: (_region, _host, _input, decision) => {
      seen.add(wordsFor(decision));
      if (decision.type === "send" && decision.body.kind === "claim") noteClaim(decision.body);
    },
  });
  world.start();
  await world.runSteps(3000);
  expect(world.violations).toEqual([]);
}

it("does all that operators, matchmakers and autoscalers do", async () => {
  const seen = new Set<string>();
  const missing = (): string[] => EXPECTED.filter((what) => !seen.has(what));
  for (let seed = 0; seed < MOST_SEEDS && missing().length > 0; seed++) await watch(seed, seen);
  expect(missing()).toEqual([]);
}, 600_000);
