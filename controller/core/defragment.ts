import type { ScalingPolicy } from "../../config/config";
import { beginEnding } from "./drain";
import { wholeServers, type Fleet } from "./fleet";
import { isTaken, seatsHeld, type GameServer } from "./game-server";
import { evaluate, type FleetObservation, type ScalingBounds } from "./scaling";
import type { CoreState } from "./state";
import { isCurrent } from "./versions";
import { isWanted } from "./wanted";

/**
 * So much of the seats that would be left free stays free, and so many players more than there are would still be within the
 * targets, so that a few who come do not call for a server again, for whose sake the next are moved.
 */
const SLACK = 0.1;
/** Where servers are needed again and again right after one was emptied, the time between two doubles up to this. */
const LONGEST_PAUSE_MS = 3_600_000;

/**
 * Where few players are spread over many servers, one server after the other is emptied so that it, and at last its node,
 * can go: the one with fewest players, first of the node with fewest. It takes nobody new; its players leave by
 * themselves (`wait`) or are moved at once (`move`). Only where all is quiet, all of them fit on the others, and the
 * fleet without it satisfies every target that it is scaled by.
 */
export function defragment(s: CoreState, fleet: Fleet, seen: FleetObservation, bounds: ScalingBounds): void {
  const { policy } = fleet;
  if (policy.defragment === "off" || !quiet(s, fleet, seen)) return;
  const server = thinnest(s, fleet);
  if (!server) return;
  const held = seatsHeld(server);
  const without: FleetObservation = {
    ...seen,
    usable: seen.usable - 1,
    live: seen.live - 1,
    // No more than there are seats for: they may be filled to the last.
    seatsHeld: Math.min(seen.seatsHeld * (1 + SLACK), (seen.usable - 1) * seen.seatsPerServer),
    seatsFree: Math.floor((seen.seatsFree - server.maxPlayers) * (1 - SLACK)),
    cpu: seen.cpu === undefined ? undefined : (seen.cpu * seen.usable * (1 + SLACK)) / (seen.usable - 1),
  };
  if (without.seatsFree < 0 || seen.usable - 1 < bounds.floor || !fitsElsewhere(fleet, server)) return;
  const inForce: ScalingPolicy = { ...policy, buffer: fleet.verdict?.buffer ?? policy.buffer };
  const settled = { lastUpMs: -Infinity, lastDownMs: -Infinity };
  if (evaluate(without, inForce, bounds, settled, s.nowMs).action === "up") return;
  fleet.defragmentedMs = s.nowMs;
  if (!fleet.neededAgain) fleet.emptiedInVain = 0;
  fleet.neededAgain = false;
  const move = policy.defragment === "move";
  const reason = `emptied to free it: ${String(held)} players are on it and the others have ${String(seen.seatsFree - server.maxPlayers + held)} free seats`;
  s.out.push({
    type: "record",
    record: s.records.make(s.nowMs, {
      kind: "scale",
      subject: fleet.id,
      outcome: `${move ? "moves" : "waits for"} the players of ${server.id}`,
      reasons: [
        reason,
        `${String(seen.usable)} servers are up with ${String(seen.seatsHeld)} players; one less still satisfies minimum, buffer and targets`,
        `of node ${server.nodeId ?? "?"}, which has ${String(playersOn(s, server))} players`,
      ],
    }),
  });
  beginEnding(s, server, {
    kind: "defragment",
    moveAtMs: move ? s.nowMs : Infinity,
    force: false,
    moving: false,
    reason,
  });
}

/** A server is started for players: what was emptied before that, and no longer ago than until the next would be, was needed. */
export function noteGrowth(fleet: Fleet, nowMs: number): void {
  if (fleet.neededAgain || nowMs >= fleet.defragmentedMs + pauseMs(fleet)) return;
  fleet.neededAgain = true;
  fleet.emptiedInVain += 1;
}

function pauseMs({ policy, emptiedInVain }: Fleet): number {
  const intervalMs = policy.defragmentIntervalSecs * 1000;
  return Math.max(intervalMs, Math.min(LONGEST_PAUSE_MS, intervalMs * 2 ** emptiedInVain));
}

/** Nobody waits, nothing comes or goes, no version is being taken in, and the last time is long enough ago. */
function quiet(s: CoreState, fleet: Fleet, seen: FleetObservation): boolean {
  const { policy, cooldown, defragmentedMs, rollout, line } = fleet;
  const sinceMs = Math.max(defragmentedMs + pauseMs(fleet), cooldown.lastUpMs + policy.scaleDownCooldownSecs * 1000);
  if (s.draining || rollout || s.nowMs < sinceMs || wholeServers(fleet)) return false;
  if (line.size > 0 || seen.starting > 0 || seen.suspect > 0 || seen.empty > 0 || seen.usable < 2) return false;
  return ![...fleet.servers].some(
    ({ ending, state, inFlight }) => ending !== null || state === "unhealthy" || inFlight > 0,
  );
}

/** The server that is emptied first; undefined where there is none that may be. */
export function thinnest(s: CoreState, fleet: Fleet): GameServer | undefined {
  let best: GameServer | undefined;
  let least: readonly number[] = [];
  for (const server of fleet.servers) {
    if (!server.counted || isTaken(server) || server.walkIns + server.phantom > 0 || server.keptFor) continue;
    if (!isCurrent(fleet, server.version) || isWanted(s, server) || !s.usable(server.nodeId)) continue;
    const rank = [playersOn(s, server), seatsHeld(server), -server.createdAtMs];
    if (best && !lower(rank, least)) continue;
    best = server;
    least = rank;
  }
  return best;
}

function lower(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at >= 0 && (a[at] ?? 0) < (b[at] ?? 0);
}

/** Players on all servers of the node that this one is on. */
export function playersOn(s: CoreState, { nodeId }: GameServer): number {
  let players = 0;
  for (const server of s.nodes.get(nodeId ?? "")?.servers ?? [])
    if (server.state !== "terminated") players += seatsHeld(server);
  return players;
}

/** Whether each party on it, the largest first, finds a server with room for all of it; not on a node that is isolated. */
export function fitsElsewhere(fleet: Fleet, from: GameServer): boolean {
  const parties = new Map<string, number>();
  for (const { playerId, party } of from.seats) {
    const key = party.length > 0 ? party.join("\n") : playerId;
    parties.set(key, (parties.get(key) ?? 0) + 1);
  }
  const room = [...fleet.servers]
    .filter((server) => server !== from && server.version === from.version && server.pool?.choice === "any")
    .map(({ countedFree }) => countedFree);
  for (const size of [...parties.values()].sort((a, b) => b - a)) {
    const at = room.findIndex((free) => free >= size);
    if (at < 0) return false;
    room[at] = (room[at] ?? 0) - size;
  }
  return true;
}
