import { wholeServers, type Fleet } from "./fleet";
import type { Group } from "./group";
import type { Needed } from "./queue";
import type { Rollout } from "./rollout";
import { shareOf } from "./rollout-plan";
import { unservedNow, type Unserved } from "./unserved";
import { isRange, newestFirst } from "../../config/version-range";
import { partsOfWish, takesIn } from "./version-wish";

/** Versions that players without a wish are given and new servers run; the fleet's own first. */
export function currentVersions({ version, rollout }: Fleet): readonly string[] {
  if (!rollout) return [version];
  if (rollout.share < 1) return [rollout.from, rollout.to];
  return rollout.paused ? [rollout.to, rollout.from] : [rollout.to];
}

export function isCurrent(fleet: Fleet, version: string): boolean {
  return version === fleet.version || (fleet.rollout !== null && currentVersions(fleet).includes(version));
}

/** Versions that a server may run which is started now or next. */
export function startedVersions(fleet: Fleet): readonly string[] {
  return fleet.rollout?.paused ? [fleet.rollout.from] : currentVersions(fleet);
}

/** What is waited for that only a canary can give, whose starts are held back since they failed: no other server would help. */
export function heldBack(fleet: Fleet, nowMs: number): Readonly<Record<"join" | "move", Needed>> {
  const { rollout, line } = fleet;
  const waits = rollout && rollout.share < 1 && !rollout.paused && nowMs < rollout.crash.untilMs && line.size > 0;
  return line.neededFor((wish) => waits === true && onlyCanary(fleet, rollout, wish));
}

/** Which of two versions that are started such a wish takes alone: the one before, or a canary; undefined where it takes both. */
export function onlyOf(fleet: Fleet, wish: string | undefined): "from" | "to" | undefined {
  const { rollout } = fleet;
  if (wish === undefined || rollout === null || (rollout.share >= 1 && !rollout.paused)) return undefined;
  if (rollout.share < 1 && onlyCanary(fleet, rollout, wish)) return "to";
  return takesIn(fleet, wish, rollout.from) && !takesIn(fleet, wish, rollout.to) ? "from" : undefined;
}

/** In seats, or whole servers: who was sent away as the only version that they take had no room, and would be again. */
export function unservedByOnly(fleet: Fleet, nowMs: number): { readonly from: number; readonly to: number } {
  const { rollout, index, unservedOnly } = fleet;
  const left = (version: string, of: Unserved): number =>
    unservedNow(of, nowMs, wholeServers(fleet) ? index.empty(version) : index.freeOf(version));
  if (!rollout || (rollout.share >= 1 && !rollout.paused)) return { from: 0, to: 0 };
  const startsCanary = rollout.share < 1 && !rollout.paused && nowMs >= rollout.crash.untilMs;
  return { from: left(rollout.from, unservedOnly.from), to: startsCanary ? left(rollout.to, unservedOnly.to) : 0 };
}

function onlyCanary(fleet: Fleet, { from, to }: Pick<Rollout, "from" | "to">, wish: string): boolean {
  return takesIn(fleet, wish, to) && !takesIn(fleet, wish, from);
}

/**
 * Which version the next server runs: while a version is a canary, the one that is short of its share, unless players wait
 * for the other by name.
 */
export function versionToStart(fleet: Fleet, nowMs: number): string {
  const { rollout, version } = fleet;
  if (!rollout) return version;
  const { from, to } = rollout;
  if (rollout.paused) return from;
  if (rollout.share >= 1) return to;
  if (nowMs < rollout.crash.untilMs) return from;
  const sentAway = unservedByOnly(fleet, nowMs).to * (wholeServers(fleet) ? (fleet.config?.maxPlayers ?? 1) : 1);
  const seats = sentAway + fleet.line.waitingFor((wish) => onlyCanary(fleet, rollout, wish));
  if (seats > startingOf(fleet, to)) return to;
  // Of none the first is no canary: it would have all players.
  if (!fleet.versions.has(from)) return from;
  return (fleet.versions.get(to) ?? 0) < shareOf(rollout.share, fleet.servers.size + 1) ? to : from;
}

function startingOf(fleet: Fleet, version: string): number {
  let seats = 0;
  for (const server of fleet.servers)
    if (server.state === "starting" && server.version === version) seats += server.maxPlayers;
  return seats;
}

/**
 * Versions in the order in which a group is offered them. Who named one gets that; who speaks a range, or says what its client is, gets those that
 * fit, current ones first. While a version is a canary, its share
 * of those who named none is sent to it, and who is moved stays with the version that it played.
 */
export function versionsFor(fleet: Fleet, group: Group): readonly string[] {
  const { version: wish } = group;
  if (wish === undefined) return offered(fleet, group);
  const { named, client } = partsOfWish(wish);
  if (named !== undefined && !isRange(named) && client === undefined) return [named];
  const order = offered(fleet, group);
  const others = [...fleet.versions.keys()].filter((version) => !order.includes(version)).sort(newestFirst);
  return [...order, ...others].filter((version) => takesIn(fleet, wish, version));
}

function offered(fleet: Fleet, group: Group): readonly string[] {
  const { rollout, version } = fleet;
  const { lastVersion } = group;
  if (!rollout) return lastVersion === null || lastVersion === version ? [version] : [version, lastVersion];
  const current = currentVersions(fleet);
  if (lastVersion !== null && rollout.share < 1 && current.includes(lastVersion))
    return [lastVersion, ...current.filter((each) => each !== lastVersion)];
  const order = rollout.share < 1 && belowShare(fleet) ? [rollout.to, rollout.from] : withFallback(fleet, current);
  return lastVersion === null || order.includes(lastVersion) ? order : [...order, lastVersion];
}

/** The version before, where nothing else can be started: better there than in line until the last of its players has left. */
export function isFallback({ rollout, fallsBack }: Fleet, version: string): boolean {
  return fallsBack && rollout?.from === version && rollout.share >= 1 && !rollout.paused;
}

function withFallback(fleet: Fleet, current: readonly string[]): readonly string[] {
  const { rollout } = fleet;
  return rollout && isFallback(fleet, rollout.from) ? [...current, rollout.from] : current;
}

/** Whether the canary has less of the players than its share. */
function belowShare({ rollout, index }: Fleet): boolean {
  if (!rollout) return false;
  const to = index.heldOf(rollout.to);
  return to < rollout.share * (to + index.heldOf(rollout.from) + 1);
}

/**
 * Empty servers that are there for whoever comes. Of versions that go too: they are replaced one for one, so what policy
 * keeps ready is not started a second time beside them.
 */
export function emptyForAll({ index }: Fleet): number {
  return index.emptyCount;
}

/** Seats that may be given now; of versions that go those of empty servers, as above: in the others nobody new is let. */
export function freeForAll(fleet: Fleet): number {
  const { index, config } = fleet;
  const current = fleet.rollout ? currentVersions(fleet) : [fleet.version];
  let free = 0;
  let empty = 0;
  for (const version of current) {
    free += index.freeOf(version);
    empty += index.empty(version);
  }
  return free + (index.emptyCount - empty) * Math.max(1, config?.maxPlayers ?? 1);
}
