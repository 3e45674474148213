import type { VirtualRegion } from "../region";
import type { World } from "../world";

/** Time for a program to end and its next version to be up, and for what was held meanwhile to be done. */
const BETWEEN_MS = 700;
const AFTER_MS = 4000;

/** P8: controllers and agents are replaced one by one with players on, and nobody is dropped. */
export async function checkRolls(world: World, region: VirtualRegion): Promise<void> {
  // Also those who were moved here from another region.
  const players = world.regions.flatMap((each) => each.players);
  for (const player of players) player.stays = true;
  // Who is on their way arrives, so that there is somebody to drop.
  await world.runFor(3000);
  const before = inside(region);
  // The leader first: whoever comes after it still knows all that it was told as a standby.
  const { leader } = region;
  for (const controller of [...region.controllers].sort((a, b) => Number(b === leader) - Number(a === leader))) {
    void controller.close();
    await world.runFor(BETWEEN_MS);
    controller.reboot();
    await world.runFor(AFTER_MS);
  }
  for (const node of region.nodes) {
    void node.closeAgent();
    await world.runFor(BETWEEN_MS);
    node.startAgent();
    await world.runFor(AFTER_MS);
  }
  if (world.violations.length > 0) return;
  const after = inside(region);
  for (const [playerId, place] of before)
    if (after.get(playerId) !== place)
      world.broken(
        "P8",
        "nobody is dropped by an upgrade",
        `${playerId} was on ${place}, and is on ${after.get(playerId) ?? "none"}`,
      );
  for (const player of players) {
    player.stays = false;
    player.leave();
  }
}

function inside(region: VirtualRegion): Map<string, string> {
  const places = new Map<string, string>();
  for (const { server } of region.servers())
    for (const playerId of server.inside.keys()) places.set(playerId, server.server.serverId);
  return places;
}
