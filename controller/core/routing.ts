import { openPlaces } from "./backfill";
import { Offers } from "./offers";
import type { CoreProblem } from "./decision";
import { crashOf, type Fleet } from "./fleet";
import { hasMods } from "./fleet-index";
import type { GameServer } from "./game-server";
import type { Group } from "./group";
import { problem } from "./outbox";
import type { Pool, PoolChoice } from "./pool";
import { CANDIDATES, SCORE_PARTS } from "./route-ring";
import { newestFirst } from "../../config/version-range";
import { clientsOf, partsOfWish, takesIn, wishWords } from "./version-wish";
import { currentVersions, isFallback, startedVersions, versionsFor } from "./versions";

/**
 * How much each part of a score counts; each part is 0 to 1, and the highest sum wins. Filling up (or levelling) comes
 * first; load and latency decide between servers that are about equally full.
 */
const WEIGHTS = { players: 4, cpu: 1, memory: 0.5, latency: 0.5 };
/** What is unknown of a server counts as the middle. */
const UNKNOWN = 0.5;
/** A latency at which a server gets nothing for it, in milliseconds. */
const LATENCY_FULL_MS = 200;

export interface Choice {
  readonly server: GameServer;
  readonly considered: readonly GameServer[];
  /** `SCORE_PARTS.length` numbers for each of `considered`; valid until the next call. */
  readonly parts: Float64Array;
}

/** What all but fullness counts together. */
export const REST = WEIGHTS.cpu + WEIGHTS.memory + WEIGHTS.latency;

const offers = new Offers();
const parts = new Float64Array(CANDIDATES * SCORE_PARTS.length);

/** The best server with room for the whole group, or undefined. Its cost does not depend on how many servers there are. */
export function choose(fleet: Fleet, group: Group, memoryMiB: number): Choice | undefined {
  const strategy = fleet.config?.routing.strategy ?? "pack";
  const considered = candidates(fleet, group, strategy);
  let best: GameServer | undefined;
  let bestScore = -Infinity;
  considered.forEach((server, i) => {
    const score = weigh(server, strategy, memoryMiB, i * SCORE_PARTS.length);
    if (score > bestScore) {
      bestScore = score;
      best = server;
    }
  });
  return best && { server: best, considered, parts };
}

/** Whether any server has room for the group now. */
export function fits(fleet: Fleet, group: Group): boolean {
  return candidates(fleet, group, "pack", 1).length > 0;
}

function candidates(fleet: Fleet, group: Group, strategy: "pack" | "spread", most = CANDIDATES): GameServer[] {
  const into = candidatesOf(fleet, group, strategy, most, "any");
  return into.length > 0 || !fleet.index.hasLast ? into : candidatesOf(fleet, group, strategy, most, "last");
}

function candidatesOf(
  fleet: Fleet,
  group: Group,
  strategy: "pack" | "spread",
  most: number,
  choice: PoolChoice,
): GameServer[] {
  const into: GameServer[] = [];
  if (group.selectors.length > 0) return selected(fleet, group, most, choice);
  // Where the first has no room another current one will do, and at last what it played before.
  for (const version of versionsFor(fleet, group)) {
    takeFrom(fleet, version, group, strategy, most, choice, into);
    if (into.length > 0) return into;
  }
  return into;
}

/** Whole servers of the first selector that any satisfies. */
function selected(fleet: Fleet, group: Group, most: number, choice: PoolChoice): GameServer[] {
  const into: GameServer[] = [];
  const unnamed = versionsFor(fleet, group);
  for (const { matchLabels = {}, version: named } of group.selectors) {
    for (const version of named === undefined ? unnamed : versionsFor(fleet, { ...group, version: named })) {
      for (const pool of fleet.index.pools()) {
        if (!mayServe(pool, version, group, choice)) continue;
        pool.takeLabelled(matchLabels, group.sessions.length, most, into);
      }
      if (into.length > 0) return into;
    }
  }
  return into;
}

function takeFrom(
  fleet: Fleet,
  version: string,
  group: Group,
  strategy: "pack" | "spread",
  most: number,
  choice: PoolChoice,
  into: GameServer[],
): void {
  const seats = group.sessions.length;
  // Of servers that are to go the fullest, so that the others become empty.
  const packs = strategy === "pack" || isFallback(fleet, version);
  offers.clear();
  if (group.kind === "join" && choice === "any") takeBackfill(fleet, version, group, most, into);
  if (into.length > 0) return;
  for (const pool of fleet.index.pools()) {
    if (!mayServe(pool, version, group, choice)) continue;
    if (group.whole) pool.takeEmpty(seats, most, into);
    else pool.offer(seats, packs ? WEIGHTS.players : -WEIGHTS.players, REST, offers);
  }
  offers.take(most, into);
}

function mayServe(pool: Pool, version: string, { mods }: Group, choice: PoolChoice): boolean {
  return pool.size > 0 && pool.choice === choice && pool.version === version && hasMods(mods, pool.mods);
}

/** Matches that want so many more, however few: whoever finds one goes nowhere else, however well that would score. */
function takeBackfill(fleet: Fleet, version: string, group: Group, most: number, into: GameServer[]): void {
  for (const server of fleet.index.backfill) {
    if (into.length >= most) return;
    if (server.version === version && openPlaces(server) >= group.sessions.length && hasMods(group.mods, server.mods))
      into.push(server);
  }
}

/** A server's score for the next player, and its parts from `parts[at]` on. */
export function weigh(server: GameServer, strategy: "pack" | "spread", memoryMiB: number, at: number): number {
  const { maxPlayers } = server;
  const full = maxPlayers === 0 ? 1 : server.countedHeld / maxPlayers;
  const players = WEIGHTS.players * (strategy === "pack" ? full : 1 - full);
  const cpu = cpuPart(server);
  const memory = memoryPart(server, memoryMiB);
  const latency = latencyPart(server);
  parts[at] = players;
  parts[at + 1] = cpu;
  parts[at + 2] = memory;
  parts[at + 3] = latency;
  return players + cpu + memory + latency;
}

function cpuPart({ stats }: GameServer): number {
  return WEIGHTS.cpu * (stats ? 1 - Math.min(1, stats.cpu) : UNKNOWN);
}

function memoryPart({ stats }: GameServer, memoryMiB: number): number {
  return WEIGHTS.memory * (stats ? 1 - Math.min(1, stats.memoryBytes / (memoryMiB * 1048576)) : UNKNOWN);
}

function latencyPart({ latencyMs }: GameServer): number {
  return WEIGHTS.latency * (latencyMs === null ? UNKNOWN : 1 - Math.min(1, latencyMs / LATENCY_FULL_MS));
}

/** Whether a server that would be started now could take the group. */
export function growable(fleet: Fleet, group: Group): boolean {
  const { config } = fleet;
  if (!config || group.sessions.length > config.maxPlayers || !hasMods(group.mods, config.mods)) return false;
  const fresh = (asked: string | undefined): boolean =>
    asked === undefined || startedVersions(fleet).some((version) => takesIn(fleet, asked, version));
  if (group.selectors.length === 0) return fresh(group.version);
  // A fresh server has no labels: only a selector that asks for none is helped by one.
  return group.selectors.some(
    ({ matchLabels = {}, ...selector }) =>
      Object.keys(matchLabels).length === 0 && fresh(selector.version ?? group.version),
  );
}

/** A fleet that may have no servers is asked again so much later: its policy is an operator's to change. */
const POLICY_RETRY_SECS = 60;

/** Why no live server, nor one of the current launch, could ever take such a group; null where one could. */
export function neverFits(fleet: Fleet, group: Group): CoreProblem | null {
  const { config } = fleet;
  if (!config) return problem("unknownExperience", `${fleet.id} is not run here any more`);
  const seats = group.sessions.length;
  const largest = Math.max(config.maxPlayers, ...servable(fleet, group));
  if (seats > largest)
    return problem(
      "partyTooLarge",
      `a ${group.kind === "match" ? "match" : "party"} of ${String(seats)} is larger than any server of ${fleet.id} (${String(largest)} seats)`,
      { info: { players: seats, largest } },
    );
  if (fleet.policy.maxServers === 0 && fleet.servers.size === 0)
    return problem("noCapacity", `${fleet.id} may have no servers here (max_servers = 0)`, {
      retryAfterSecs: POLICY_RETRY_SECS,
    });
  const { final } = crashOf(fleet, fleet.version);
  if (final !== null && fleet.servers.size === 0)
    return problem("startFailed", `servers of ${fleet.id} cannot start: ${final}`);
  return null;
}

function servable(fleet: Fleet, group: Group): number[] {
  const wish = group.version ?? fleet.version;
  if (group.sessions.length <= (fleet.config?.maxPlayers ?? 0)) return [];
  return [...fleet.servers]
    .filter((server) => takesIn(fleet, wish, server.version))
    .map(({ maxPlayers }) => maxPlayers);
}

/** Whether there is a version, running or such as would be started, that this wish takes. */
export function hasVersion(fleet: Fleet, wish: string): boolean {
  // Every seat with a version asks this: nothing is put in order for it.
  for (const version of currentVersions(fleet)) if (takesIn(fleet, wish, version)) return true;
  for (const version of fleet.versions.keys()) if (takesIn(fleet, wish, version)) return true;
  return false;
}

/** What runs and what would be started, current ones first. */
export function knownVersions(fleet: Fleet): string[] {
  return [...new Set([...currentVersions(fleet), ...[...fleet.versions.keys()].sort(newestFirst)])];
}

/** Why no version here is what was asked for, with what there is: none of that name, or none that takes such a client. */
export function noVersion(fleet: Fleet, wish: string): CoreProblem {
  const { named, client } = partsOfWish(wish);
  const there = knownVersions(fleet);
  if (client === undefined || (named !== undefined && !hasVersion(fleet, named)))
    return problem(
      "unknownVersion",
      `${fleet.id} has no ${wishWords(named ?? "")} here; it has ${there.map((version) => `"${version}"`).join(", ")}`,
    );
  const takes = there.map((version) => {
    const clients = clientsOf(fleet, version);
    return clients === null ? `"${version}" takes any client` : `"${version}" takes clients "${clients}"`;
  });
  const asked = named === undefined ? "" : ` of "${named}"`;
  return problem(
    "clientUnsupported",
    `no server${asked} of ${fleet.id} takes a client of version "${client}" here: ${takes.join(", ")}`,
    {
      info: {
        clientVersion: client,
        versions: Object.fromEntries(there.map((version) => [version, clientsOf(fleet, version)])),
      },
    },
  );
}

/** Those of `mods` that no server has and none would be started with. */
export function unknownMods(fleet: Fleet, mods: readonly string[]): string[] {
  const known = fleet.config?.mods ?? [];
  return mods.filter((mod) => !known.includes(mod) && !anyPool(fleet, (pool) => pool.mods.includes(mod)));
}

function anyPool(fleet: Fleet, test: (pool: Pool) => boolean): boolean {
  for (const pool of fleet.index.pools()) if (pool.size > 0 && test(pool)) return true;
  return false;
}

/** 0 to 1: all of its score but for how full it is. */
function qualityOf(server: GameServer, memoryMiB: number): number {
  return (cpuPart(server) + memoryPart(server, memoryMiB) + latencyPart(server)) / REST;
}

/** Brings a server's place in its fleet's index up to date. `open`: its agent can be asked for seats. */
export function placeInIndex(fleet: Fleet, server: GameServer, open: boolean, choice: PoolChoice): void {
  fleet.index.update(server, open, open ? qualityOf(server, fleet.config?.memory ?? 1) : 0, choice);
}
