import type { Fleet } from "./fleet";
import type { GameServer } from "./game-server";
import type { CoreState } from "./state";

/**
 * Which experience comes first where there is not room for all. The region's maximum is shared out by `fairShares`; where the
 * nodes are full, growth of a lower priority waits until the starts of a higher one have found their node. Minimums, an
 * experience's first server, and places for players who lost theirs wait for nobody, so none starves.
 */
export const DEFAULT_PRIORITY = 50;

export function priorityOf({ config }: Pick<Fleet, "config">): number {
  return config?.priority ?? DEFAULT_PRIORITY;
}

/** No node has room for it now; the engine or a later try will find it one. */
export function noteShort(s: CoreState, server: GameServer): void {
  s.short.add(server);
}

/** How many more servers the region may have. */
export function roomInRegion(s: CoreState): number {
  let total = 0;
  for (const each of s.fleets.values()) total += each.servers.size;
  return s.settings.scaling.maxServersPerRegion - total;
}

/** A server is gone, and the region was full: those who want more look at once. */
export function noteRoom(s: CoreState): void {
  if (roomInRegion(s) !== 1) return;
  for (const fleet of s.fleets.values()) if (fleet.claim > fleet.servers.size) s.dirty.add(fleet);
}

/** It has found its node: whoever waited for that may grow. */
export function notePlaced(s: CoreState, server: GameServer): void {
  if (!s.short.delete(server)) return;
  for (const fleet of s.fleets.values()) s.dirty.add(fleet);
}

/** The experience whose starts come before growth of this one; undefined where none does. */
export function comesBefore(s: CoreState, fleet: Fleet): Fleet | undefined {
  if (s.short.size === 0 || !hasServer(fleet)) return undefined;
  let first: Fleet | undefined;
  for (const server of s.short) {
    if (server.state !== "starting" || server.engine !== "asked") {
      s.short.delete(server);
      continue;
    }
    const other = s.fleet(server.experienceId);
    if (priorityOf(other) > priorityOf(first ?? fleet)) first = other;
  }
  return first;
}

/** One that is up, or has its node: not all that it has still wait for room. */
function hasServer({ servers, starting }: Fleet): boolean {
  if (servers.size > starting) return true;
  for (const { engine } of servers) if (engine === "placed" || engine === "running") return true;
  return false;
}

/** Sorts fleets that have changed in one input, so that the one of higher priority takes what room there is. */
export function byPriority(fleets: Fleet[]): Fleet[] {
  return fleets.length < 2 ? fleets : fleets.sort((a, b) => priorityOf(b) - priorityOf(a));
}

export function priorityText(fleet: Fleet): string {
  return `${fleet.id} (priority ${String(priorityOf(fleet))})`;
}
