import type { VirtualRegion } from "../region";
import type { World } from "../world";

/** A region that does not answer counts as down after so long. */
const NOTICED_MS = 6000;

/** P7: a region is lost as a whole, and the other goes on: its players get places, and nobody is sent to where nothing is. */
export async function checkOtherRegion(world: World, lost: VirtualRegion, other: VirtualRegion): Promise<void> {
  lost.lost = true;
  for (const node of lost.nodes) node.losePower();
  for (const controller of lost.controllers) {
    if (controller.process) controller.process.silent = true;
    controller.kill();
  }
  await world.runFor(NOTICED_MS);
  const { leader } = other;
  if (!leader?.controller) return world.broken("P7", "the other region leads on", `${other.name} has no leader`);
  const { region, reasons } = leader.controller.chooseRegion({
    experienceId: "arena",
    version: undefined,
    mods: [],
    latencies: { [lost.name]: 5, [other.name]: 80 },
    region: undefined,
    partySize: 1,
  });
  if (region !== other.name)
    world.broken("P7", "nobody is sent to a lost region", `${lost.name} is lost, and chosen: ${reasons.join("; ")}`);
  const player = other.players.find(({ state }) => state === "away");
  if (!player) return;
  player.stays = true;
  player.play("arena", []);
  await world.runFor(NOTICED_MS);
  if (player.state === "away" || player.state === "asking")
    world.broken(
      "P7",
      "the other region serves on",
      `${player.id} asked ${other.name} for a place and is ${player.state}`,
    );
}
