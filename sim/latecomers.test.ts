import { BACKFILL } from "../controller/core/backfill";
import { SeatBook } from "../agent/seats/seat-book";
import { Once } from "./checks/once";
import type { MatchAllocation } from "../controller/core/resources";
import type { Player } from "./player";
import type { VirtualRegion } from "./region";
import { replaced } from "./testing/planting";
import { USUAL_SIZE, World } from "./world";

/**
 * Matches that want more players and end just as somebody is put into them, again and again: whether the agent hears of the
 * end or of the claim first is as the ways of both messages have it.
 */

jest.setTimeout(600_000);

const ROUNDS = 25;
/** Longer than the way of a message to a server, or by the controller to an agent, and back. */
const WITHIN_MS = 4;
const PATIENCE_MS = 60_000;

interface Seen {
  /** How many were put beside the others in time, and how many came to a match that was over. */
  readonly beside: number;
  readonly late: number;
  /** Latecomers for whom there was neither a place nor a wait. */
  readonly sentAway: number;
  readonly violations: readonly string[];
}

async function play(seed: number): Promise<Seen> {
  const world = new World(seed, { ...USUAL_SIZE, players: 2 });
  const [region] = world.regions;
  const [first, latecomer] = region?.players ?? [];
  if (!region || !first || !latecomer) throw new Error("the world has too few players");
  const random = world.random.fork("latecomers");
  let [beside, late, sentAway] = [0, 0, 0];
  world.watches.push(new Once(world), {
    onAck: (_region, _node, { body }, ack) => {
      if (body.kind !== "claim" || !body.seats.some(({ playerId }) => playerId === latecomer.id)) return;
      if (ack.ok && body.ongoing) beside++;
      else if (!ack.ok && ack.code === "matchOver") late++;
    },
  });
  const until = async (so: () => boolean): Promise<void> => {
    for (let waited = 0; !so() && world.violations.length === 0; waited += 50) {
      if (waited > PATIENCE_MS) throw new Error(`nothing more happens: ${first.state}, ${latecomer.state}`);
      await world.runFor(50);
    }
  };
  region.bootAll();
  await world.runFor(15_000);
  for (let round = 0; round < ROUNDS && world.violations.length === 0; round++) {
    first.stays = latecomer.stays = true;
    await until(() => settled(first) && settled(latecomer));
    begin(region, first, round);
    await until(() => first.state === "inside");
    latecomer.play("duel", []);
    world.schedule.after(random.between(0, WITHIN_MS), undefined, () => first.leave());
    await until(() => latecomer.state !== "asking");
    if (latecomer.state === "away") sentAway++;
    // A match may also end after they were put into it, before they have come.
    await until(() => latecomer.state === "inside" || latecomer.state === "away");
    latecomer.leave();
  }
  return { beside, late, sentAway, violations: world.violations.map(({ promise, check }) => `${promise} ${check}`) };
}

/** A match of one, which wants one more. */
function begin(region: VirtualRegion, player: Player, round: number): void {
  const turn = player.wait("duel");
  region.client.ask(
    () => ({
      type: "allocateMatch",
      experienceId: "duel",
      matchId: `match-${String(round)}`,
      players: [{ playerId: player.id }],
      annotations: { [BACKFILL]: "2" },
    }),
    (result) => {
      const ticket = result?.ok ? (result.value as MatchAllocation).tickets[player.id] : undefined;
      if (ticket !== undefined && player.waitsFor(turn)) player.given(ticket, "duel");
    },
  );
}

function settled({ state }: Player): boolean {
  return state === "away";
}

it("gives whoever comes too late another place, and begins no match a second time", async () => {
  const { beside, late, sentAway, violations } = await play(1);
  expect(violations).toEqual([]);
  expect(sentAway).toBe(0);
  expect(beside).toBeGreaterThan(0);
  expect(late).toBeGreaterThan(0);
});

it("sees it where an agent takes them for a match of their own", async () => {
  const undo = replaced<SeatBook["claim"]>(
    SeatBook,
    "claim",
    (real) =>
      function (this: SeatBook, matchId, requests, leaseMs, nowMs) {
        return real.call(this, matchId, requests, leaseMs, nowMs, false);
      },
  );
  try {
    expect((await play(1)).violations).toEqual(["P4 a match is begun by its own"]);
  } finally {
    undo();
  }
});
