import { onAllocationLost } from "./allocate-server";
import type { GameServer } from "./game-server";
import { isPrimary } from "./game-server";
import { newGroup, type Group } from "./group";
import { onSeatsLost } from "./grants";
import { place } from "./placement";
import type { PlayerSession } from "./player-session";
import { noteVersionFailed } from "./rollout";
import { setState } from "./servers";
import { endSession } from "./sessions";
import { diedYoung, ensureRoles, noteFailure, stop, tellPeers } from "./spawn";
import { noteTrouble } from "./node-trouble";
import type { CoreState } from "./state";

/** So long players are looked for a new place after their server was lost, in milliseconds. */
export const MOVE_DEADLINE_MS = 60_000;

/**
 * A server has failed: detect, isolate, migrate, terminate, replace, each told.
 * `gone`: its process is no more; otherwise it hangs and is stopped.
 */
export function failover(s: CoreState, server: GameServer, reason: string, gone: boolean): void {
  if (server.state === "terminated") return orphans(s, server, reason);
  if (server.state === "unhealthy") {
    if (!gone) return;
    // Why it was given up says more than how it was then stopped.
    end(s, server, `${server.reason}; then ${reason}`);
    // Another leader, to whom it was as good as any, may have seated players since: its agent has told of them.
    orphans(s, server, reason);
    return;
  }
  noteTrouble(s, server);
  const fleet = s.fleet(server.experienceId);
  const replace = fleet.config !== null && (server.ending === null || fleet.config.kind === "world");
  const young = diedYoung(s, server);
  const sessions = server.seats.size;
  s.out.failover("detect", server, reason, { gone, sessions });
  setState(s, server, "unhealthy", reason);
  s.out.failover("isolate", server, reason, {});
  if (!gone) closeFailed(s, server);
  dropInFlight(s, server, reason);
  s.out.failover("migrate", server, reason, { sessions });
  moveSessions(s, server, reason);
  s.out.failover("terminate", server, reason, { gone });
  if (gone) end(s, server, reason);
  else stop(s, server, reason);
  if (replace && young && !server.endAsked) noteFailure(s, fleet, reason, { version: server.version, wasUp: true });
  noteVersionFailed(s, fleet, server, reason);
  if (replace && isPrimary(server)) fleet.owed.push(server.id);
  if (!isPrimary(server)) {
    ensureRoles(s, fleet);
    tellPeers(s, fleet);
  }
  s.dirty.add(fleet);
  s.out.push({
    type: "record",
    record: s.records.make(s.nowMs, {
      kind: "failover",
      subject: server.id,
      outcome: `${String(sessions)} sessions to move, ${replace ? "replaced" : "not replaced"}`,
      reasons: [reason],
    }),
  });
}

/** It fails its checks: failed over, or noted until this controller decides. */
export function onUnhealthy(s: CoreState, server: GameServer, reason: string): void {
  // Before it was ready its time to get ready decides.
  if (server.state === "starting") return;
  if (!s.deciding) {
    server.lost ??= { reason, gone: false, withNode: false, sinceMs: s.nowMs };
    return;
  }
  failover(s, server, `unhealthy: ${reason}`, false);
}

/** Seats found on a server that has ended already: a new controller learns of them from its agent. */
function orphans(s: CoreState, server: GameServer, reason: string): void {
  // Those who are on the move already were told of.
  const sessions = parties(s, server).reduce((sum, { length }) => sum + length, 0);
  if (sessions === 0) return;
  s.out.failover("detect", server, reason, { gone: true, sessions });
  s.out.failover("migrate", server, reason, { sessions });
  moveSessions(s, server, reason);
}

function end(s: CoreState, server: GameServer, reason: string): void {
  dropInFlight(s, server, reason);
  setState(s, server, "terminated", reason);
}

function closeFailed(s: CoreState, server: GameServer): void {
  const { id: serverId, nodeId, allocationId } = server;
  if (server.closing !== "open" || nodeId === null || allocationId === null || !s.usable(nodeId)) return;
  server.closing = "asked";
  s.send(nodeId, { kind: "close", serverId, allocationId, onlyIfEmpty: false }, { kind: "close", server });
}

/** Grants that were under way to a lost server look for another. */
export function dropInFlight(s: CoreState, server: GameServer, reason: string): void {
  if (server.inFlight === 0) return;
  for (const request of [...s.requests.values()]) {
    const { purpose } = request;
    if ((purpose.kind !== "seats" && purpose.kind !== "allocation") || purpose.server !== server) continue;
    s.requests.delete(request.id);
    if (purpose.kind === "seats") onSeatsLost(s, purpose, reason);
    else onAllocationLost(s, purpose);
  }
}

/** Looks for new places for all who have a seat on it, each party together. Those on the move already go on. */
export function moveSessions(s: CoreState, server: GameServer, reason: string): void {
  for (const sessions of parties(s, server)) {
    const first = sessions[0];
    if (!first) continue;
    if (server.finished) {
      for (const session of sessions) endSession(s, session, reason, { release: false });
      continue;
    }
    const group = newGroup({
      kind: "move",
      experienceId: server.experienceId,
      sessions,
      version: first.version,
      mods: first.mods,
      lastVersion: server.version,
      matchId: first.matchId,
      sinceMs: s.nowMs,
      deadlineMs: s.nowMs + MOVE_DEADLINE_MS,
    });
    for (const session of sessions) startMove(s, session, server, group, reason);
    place(s, group);
  }
}

function startMove(s: CoreState, session: PlayerSession, server: GameServer, group: Group, reason: string): void {
  session.state = "migrating";
  session.reason = reason;
  session.ticket = null;
  session.group = group;
  session.moveStartedMs = s.nowMs;
  session.restore = s.saved.get(server.id, session.playerId) ?? null;
  s.out.session("session.migrating", session, reason);
}

/** Its sessions by party or match; those that are on the move already are left out. */
export function parties(s: CoreState, server: GameServer): PlayerSession[][] {
  const groups = new Map<string, PlayerSession[]>();
  for (const session of server.seats) {
    if (session.state === "migrating" && session.group) {
      session.restore ??= s.saved.get(server.id, session.playerId) ?? null;
      continue;
    }
    const key =
      session.matchId !== null
        ? `match ${session.matchId}`
        : session.party.length > 0
          ? session.party.join("\n")
          : `alone ${session.playerId}`;
    const group = groups.get(key);
    if (group) group.push(session);
    else groups.set(key, [session]);
  }
  return [...groups.values()];
}
