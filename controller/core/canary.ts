import type { Fleet } from "./fleet";
import type { GameServer } from "./game-server";

/**
 * A canary is a share of a fleet, of however few servers: as long as it lasts, the version before keeps an open server, for
 * whom the canary's share does not take.
 */
export function isCanary({ rollout }: Fleet): boolean {
  return rollout !== null && rollout.share < 1;
}

/** @param going empty servers in the order in which they would go */
export function keepLastOpen(fleet: Fleet, going: readonly GameServer[], version: string): readonly GameServer[] {
  const last = going.findLast((server) => server.version === version);
  const goes = going.filter((server) => server.version === version).length;
  return last && goes >= countOpen(fleet, version) ? going.filter((server) => server !== last) : going;
}

/**
 * Which of a fleet's empty servers scaling may take: of a canary's fleet the last of neither version, unless the whole fleet
 * goes; where there are more than the maximum it is the canary that goes. While old servers are played on that take nobody
 * new, the last of the new version stays as well: the rollout would start another in its place, time and again.
 */
export function mayShrink(
  fleet: Fleet,
  empties: readonly GameServer[],
  { by, over }: { readonly by: number; readonly over: boolean },
): readonly GameServer[] {
  const { rollout, servers, versions, version } = fleet;
  if (by >= servers.size) return empties;
  if (!rollout || !isCanary(fleet)) {
    const mixed = versions.size > 1 && !rollout?.paused;
    return mixed && !over ? keepLastOpen(fleet, empties, version) : empties;
  }
  const going = keepLastOpen(fleet, empties, rollout.from);
  return over ? going : keepLastOpen(fleet, going, rollout.to);
}

/** Its one open server of the version before is all that the maximum leaves room for. */
export function lacksRoom(fleet: Fleet, room: number): boolean {
  const { rollout, versions, servers } = fleet;
  if (!rollout || !isCanary(fleet) || versions.has(rollout.to) || room > 0) return false;
  return countOpen(fleet, rollout.from) === 1 && [...servers].every(({ ending }) => ending === null);
}

/** Servers of a version that players can be given. */
function countOpen({ servers }: Fleet, version: string): number {
  let open = 0;
  for (const server of servers) if (server.version === version && server.counted) open++;
  return open;
}
