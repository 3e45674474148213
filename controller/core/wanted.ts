import type { Fleet } from "./fleet";
import { isEmpty, isPrimary, type GameServer } from "./game-server";
import type { CoreState } from "./state";

/**
 * A server that somebody asked for is not scaled down before anybody came: whoever asked is about to send players.
 * It is wanted until its first player, and so long after it was asked for at most, in milliseconds. The end of that time
 * travels in the launch's meta, so a controller that starts anew keeps to it.
 */
export const WANTED_MS = 600_000;

export function askedFor(s: CoreState, fleet: Fleet, server: GameServer): void {
  want(fleet, server, s.nowMs + WANTED_MS);
  const reason = `it was asked for: scaling keeps it ${untilWhen(s, server)}`;
  s.out.push({
    type: "record",
    record: s.records.make(s.nowMs, { kind: "spawn", subject: server.id, outcome: "asked for", reasons: [reason] }),
  });
}

/** Found running: what its meta says, as far as it can be true. */
export function wantAgain(s: CoreState, fleet: Fleet, server: GameServer, meta: string | undefined): void {
  const untilMs = Number(meta);
  if (Number.isFinite(untilMs) && untilMs > s.nowMs)
    want(fleet, server, Math.min(untilMs, server.createdAtMs + WANTED_MS));
}

function want(fleet: Fleet, server: GameServer, untilMs: number): void {
  if (!isPrimary(server)) return;
  server.wantedUntilMs = untilMs;
  fleet.wanted.add(server);
}

/** It is up: however long that took, there is a lease's time to send players. */
export function wantedAndReady(s: CoreState, server: GameServer): void {
  if (server.wantedUntilMs === null) return;
  server.wantedUntilMs = Math.max(server.wantedUntilMs, s.nowMs + s.settings.leaseSecs * 1000);
  s.fleet(server.experienceId).wanted.add(server);
}

/** Somebody is on it, or it has a match: from now on it is a server like any other. */
export function noLongerWanted(fleet: Fleet, server: GameServer): void {
  server.wantedUntilMs = null;
  fleet.wanted.delete(server);
}

/** Not where it is on its way out: that was somebody's wish too, or it failed. */
export function isWanted(s: CoreState, { wantedUntilMs, ending, state }: GameServer): boolean {
  const going = ending !== null || state === "unhealthy" || state === "terminated";
  return !going && wantedUntilMs !== null && s.nowMs < wantedUntilMs;
}

/** How many empty servers are there because they were asked for. */
export function wantedEmpty(s: CoreState, fleet: Fleet): number {
  let count = 0;
  for (const server of fleet.wanted) {
    if (server.state !== "starting" && !isWanted(s, server)) fleet.wanted.delete(server);
    else if (server.emptySlot >= 0 && isEmpty(server)) count++;
  }
  return count;
}

/** For people: until its first player, or 21:40:00 UTC. */
export function untilWhen(s: CoreState, { wantedUntilMs }: GameServer): string {
  return `until its first player, or ${s.out.iso(wantedUntilMs ?? s.nowMs).slice(11, 19)} UTC at the latest`;
}
