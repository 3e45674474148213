import { mostOf, movingServers, type Fleet } from "./fleet";
import { isPrimary, type GameServer } from "./game-server";
import type { CoreState } from "./state";

/**
 * Which experience comes first where there is not room for all. The region's maximum is shared out by `fairShares`; where the
 * nodes are full, growth of a lower priority waits until the starts of a higher one have found their node. Minimums, an
 * experience's first server, what takes a failed one's place, and places for players who lost theirs wait for nobody, so none
 * starves. The latter come before all else, of whatever priority: they wait for a minute at most.
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

/** How many more servers may be started now, by the maximum of experience, chain and region. */
export function roomFor(s: CoreState, fleet: Fleet): number {
  return Math.max(0, Math.min(mostOf(fleet) - fleet.servers.size, roomInRegion(s)));
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

/** Players who lost their server, or are moved off it, wait for more of this one's servers than have found a node. */
export function isUrgent(fleet: Fleet): boolean {
  let needed = movingServers(fleet);
  if (needed === 0) return false;
  for (const server of fleet.servers) if (server.state === "starting" && hasNode(server)) needed--;
  return needed > 0;
}

/** The experience whose starts come before growth of this one, or before all its starts; undefined where none does. */
export function comesBefore(s: CoreState, fleet: Fleet): Fleet | undefined {
  return s.short.size === 0 ? undefined : firstBefore(s, fleet, hasServer(fleet));
}

/** The experience that this one start, which no node had room for, waits for; undefined where it is tried again now. */
export function triedAfter(s: CoreState, fleet: Fleet, server: GameServer): Fleet | undefined {
  return s.short.size === 0 ? undefined : firstBefore(s, fleet, isGrowth(fleet, server));
}

/** @param grows false for what waits for nobody but players who are moved */
function firstBefore(s: CoreState, fleet: Fleet, grows: boolean): Fleet | undefined {
  const others = new Set<Fleet>();
  for (const server of s.short) {
    if (server.state === "starting" && server.engine === "asked") others.add(s.fleet(server.experienceId));
    else s.short.delete(server);
  }
  let first: Fleet | undefined;
  for (const other of others) if ((grows || isUrgent(other)) && isBefore(other, first ?? fleet)) first = other;
  return first;
}

function isBefore(one: Fleet, other: Fleet): boolean {
  const urgent = isUrgent(one);
  return urgent === isUrgent(other) ? priorityOf(one) > priorityOf(other) : urgent;
}

/**
 * Whether the fleet has its minimum, or its first server, without this one. What is there counts, and what has waited for
 * longer. The servers of a role are as many as they shall be, and grow in no case.
 */
function isGrowth({ servers, floor }: Fleet, server: GameServer): boolean {
  if (server.replaces !== undefined || !isPrimary(server)) return false;
  const least = Math.max(1, floor);
  let without = 0;
  let longer = true;
  for (const each of servers) {
    if (each === server) longer = false;
    else if (isThere(each) || (longer && each.state === "starting")) without++;
    if (without >= least) return true;
  }
  return false;
}

/** Up or with a node that it starts on, and not on its way out. */
function isThere(server: GameServer): boolean {
  const { state, ending } = server;
  return ending === null && state !== "unhealthy" && state !== "draining" && (state !== "starting" || hasNode(server));
}

/** One that is up, or has its node: not all that it has still wait for room. */
function hasServer({ servers, starting }: Fleet): boolean {
  if (servers.size > starting) return true;
  for (const server of servers) if (hasNode(server)) return true;
  return false;
}

function hasNode({ engine }: GameServer): boolean {
  return engine === "placed" || engine === "running";
}

/** Sorts fleets that have changed in one input, so that the one that comes first takes what room there is. */
export function inTurn(fleets: Fleet[]): Fleet[] {
  if (fleets.length < 2) return fleets;
  const urgent = new Set(fleets.filter(isUrgent));
  return byPriority(fleets).sort((a, b) => Number(urgent.has(b)) - Number(urgent.has(a)));
}

export function byPriority(fleets: Fleet[]): Fleet[] {
  return fleets.sort((a, b) => priorityOf(b) - priorityOf(a));
}

export function priorityText(fleet: Fleet): string {
  return `${fleet.id} (priority ${String(priorityOf(fleet))})`;
}

/** What a fleet waits for while another comes before it. */
export function waitText(before: Fleet, fleet: Fleet): string {
  return isUrgent(before) && !isUrgent(fleet)
    ? `players of ${before.id} who are moved wait for room on the nodes, and come before ${fleet.id}`
    : `${priorityText(before)} waits for room on the nodes, and comes before ${priorityText(fleet)}`;
}
