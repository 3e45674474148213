import type { SeatRequest } from "../../protocol/messages";
import { answerQueued, answerRefused } from "./answers";
import { backToOwn, isPutInto, matchOf } from "./backfill";
import type { CoreProblem } from "./decision";
import { wholeServers, type Fleet } from "./fleet";
import type { GameServer } from "./game-server";
import { newGroup, type Group } from "./group";
import { letGo, overtake, roomKept } from "./keeping";
import { problem } from "./outbox";
import type { PlayerSession } from "./player-session";
import { choose, fits, growable, neverFits, type Choice } from "./routing";
import { endSession } from "./sessions";
import type { CoreState } from "./state";
import { noteUnserved } from "./unserved";
import { onlyOf } from "./versions";

/** A group asks so many servers in a row before it queues. */
const TRIES = 5;

/** Finds the group a server now, or lets it wait, or tells why neither is possible. */
export function place(s: CoreState, group: Group): void {
  const fleet = s.fleet(group.experienceId);
  backToOwn(group);
  const reason = group.hindrance ?? whyNotNow(s);
  const choice = reason === null && group.tries < TRIES ? choose(fleet, group, memoryOf(fleet)) : undefined;
  if (choice) ask(s, fleet, group, choice);
  else wait(s, fleet, group, reason ?? noRoom(group));
}

/** Why a group waits that may be placed. */
export function noRoom({ selectors }: Group): string {
  return selectors.length === 0 ? "no server has room" : "no free server satisfies any of the selectors";
}

/** Places those who wait, as long as the next of them fits somewhere. */
export function serveLine(s: CoreState, fleet: Fleet): void {
  if (fleet.line.size === 0 || whyNotNow(s) !== null) return;
  // What was kept for a party may have failed or be on its way out by now.
  if (fleet.keeps?.kept && !fleet.keeps.kept.counted) letGo(s, fleet.keeps);
  for (;;) {
    const group = fleet.line.next((waiting) => roomKept(s, waiting) || fits(fleet, waiting));
    if (!group) return;
    fleet.line.remove(group);
    const kept = roomKept(s, group) ? group.kept : null;
    letGo(s, group);
    if (kept) {
      askSeats(s, group, kept);
      continue;
    }
    const choice = choose(fleet, group, memoryOf(fleet));
    if (!choice) return fleet.line.add(group);
    ask(s, fleet, group, choice);
  }
}

/** Why nobody can be placed yet, whatever the servers say; null where they can. */
export function whyNotNow(s: CoreState): string | null {
  return s.rebuilding ? "the controller is learning what runs" : null;
}

function memoryOf(fleet: Fleet): number {
  return fleet.config?.memory ?? 1;
}

function ask(s: CoreState, fleet: Fleet, group: Group, choice: Choice): void {
  const { server, considered, parts } = choice;
  const first = group.sessions[0];
  if (first) {
    const record = s.records.route(
      {
        atMs: s.nowMs,
        subject: first.id,
        outcome: server.id,
        reasons: whyThere(fleet, group, first),
        servers: considered,
        parts,
      },
      group.kind === "join" && group.tries === 0 && group.ticket === null,
    );
    if (record) s.out.push({ type: "record", record });
  }
  if (fleet.line.size > 0) overtake(s, fleet, group);
  group.matchId = matchOf(group, server);
  for (const session of group.sessions) session.matchId = group.matchId;
  askSeats(s, group, server);
}

/** How a server is chosen, by strategy; `REASONS` are made once, as thousands of routes a second are remembered with them. */
const STRATEGIES = {
  pack: "pack: the fuller of those with room first, then load and latency; the highest score is taken",
  spread: "spread: the emptier of those with room first, then load and latency; the highest score is taken",
} as const;
const REASONS = { pack: [STRATEGIES.pack], spread: [STRATEGIES.spread] } as const;

function whyThere({ config }: Fleet, group: Group, { server, reason, cameFrom }: PlayerSession): readonly string[] {
  const strategy = config?.routing.strategy ?? "pack";
  if (cameFrom) return [`moved here from region ${cameFrom.region}, which is being drained`, STRATEGIES[strategy]];
  if (group.kind !== "move") return REASONS[strategy];
  return [`moved${server ? ` off ${server.id}` : ""}: ${reason}`, STRATEGIES[strategy]];
}

/** Asks the server's agent for the group's seats, counting them as taken from now on. */
export function askSeats(s: CoreState, group: Group, server: GameServer): void {
  const { nodeId, allocationId } = server;
  if (nodeId === null || allocationId === null) return;
  const asked = group.sessions.filter((session) => session.server !== server).length;
  group.target = server;
  group.tries++;
  server.inFlight += asked;
  s.reindex(server);
  const seats = group.sessions.map((session) => seatRequest(s, session, server));
  const leaseMs = s.settings.leaseSecs * 1000;
  const at = { serverId: server.id, allocationId, seats, leaseMs };
  s.send(
    nodeId,
    group.matchId === null || group.kind === "refresh"
      ? { kind: "grant", ...at }
      : { kind: "claim", ...at, matchId: group.matchId, ...(isPutInto(group, server) && { ongoing: true }) },
    {
      kind: "seats",
      server,
      group,
      asked,
    },
  );
}

function seatRequest(s: CoreState, session: PlayerSession, server: GameServer): SeatRequest {
  // What its old server saved may have become known only after it was lost: a snapshot comes before its states.
  if (session.server && session.server !== server) {
    session.restore = s.saved.get(session.server.id, session.playerId) ?? session.restore;
  }
  return {
    sessionId: session.id,
    playerId: session.playerId,
    generation: session.server === server ? session.generation : session.nextGeneration,
    carry: carryOf(session),
    restore: session.restore ?? undefined,
  };
}

/** What a controller that never saw the session has to know of it. */
export function carryOf(session: PlayerSession): SeatRequest["carry"] {
  const { experienceId, version, mods, party, latencies, connectedAtMs, matchId } = session;
  return {
    experienceId,
    version: version ?? "",
    mods,
    party,
    requestedRegion: undefined,
    latencies,
    connectedAtMs,
    matchId: matchId ?? undefined,
  };
}

export function matchKey(experienceId: string, matchId: string): string {
  return `${experienceId}\n${matchId}`;
}

function wait(s: CoreState, fleet: Fleet, group: Group, reason: string): void {
  group.tries = 0;
  group.reason = reason;
  if (group.ticket !== null || group.kind === "move") {
    if (group.deadlineMs <= s.nowMs)
      return giveUp(s, group, problem("deadlineExceeded", waited(s, group), { retryAfterSecs: 5 }));
  }
  if (group.kind !== "move") {
    const never = neverFits(fleet, group);
    if (never !== null) return giveUp(s, group, never);
    if (group.deadlineMs <= s.nowMs) {
      const only = onlyOf(fleet, group.version);
      if (growable(fleet, group) && group.hindrance === null)
        noteUnserved(
          s,
          fleet,
          wholeServers(fleet) ? 1 : group.sessions.length,
          only === undefined ? fleet.unserved : fleet.unservedOnly[only],
        );
      return giveUp(
        s,
        group,
        problem("noCapacity", `no seat is free in ${fleet.id}: ${reason}`, { retryAfterSecs: 5 }),
      );
    }
    const full = group.ticket === null ? queueFull(fleet, group) : null;
    if (full !== null) return giveUp(s, group, problem("queueFull", full, { retryAfterSecs: 5 }));
  }
  enqueue(s, fleet, group, reason);
}

/** Why no more than wait already may wait: all of a group do, or none. Those who lost their server do not count. */
function queueFull({ id, line, config }: Fleet, { sessions }: Group): string | null {
  const limit = config?.routing.queueLimit ?? 0;
  const waiting = line.players - line.movingPlayers;
  if (waiting + sessions.length <= limit) return null;
  const more = sessions.length === 1 ? "" : `, so ${String(sessions.length)} more are too many`;
  return `${String(waiting)} of at most ${String(limit)} players wait for ${id} already${more}`;
}

function enqueue(s: CoreState, fleet: Fleet, group: Group, reason: string): void {
  const fresh = group.order < 0;
  group.growable = growable(fleet, group);
  fleet.line.add(group);
  s.dirty.add(fleet);
  if (fresh) {
    if (group.kind !== "move") {
      giveTicket(s, group);
      for (const session of group.sessions) s.out.session("session.queued", session, reason);
    }
    giveUpAt(s, group);
  }
  for (const session of group.sessions) if (session.state === "queued") session.reason = reason;
  answerQueued(s, group);
}

/** It waits until its deadline. */
export function giveUpAt(s: CoreState, group: Group): void {
  s.timers.at(group.deadlineMs, () => overdue(s, group));
}

/** A ticket to ask with how its wait goes. */
export function giveTicket(s: CoreState, group: Group): void {
  if (group.ticket !== null) return;
  group.ticket = s.ids("queue");
  s.tickets.set(group.ticket, group);
}

/** The deadline has come. One that is being granted at this moment is let through. */
function overdue(s: CoreState, group: Group): void {
  if (!group.waiting || group.deadlineMs > s.nowMs) return;
  s.fleet(group.experienceId).line.remove(group);
  giveUp(s, group, problem("deadlineExceeded", waited(s, group), { retryAfterSecs: 5 }));
}

function waited(s: CoreState, group: Group): string {
  return `no place within ${String(Math.round((s.nowMs - group.sinceMs) / 100) / 10)} s: ${group.reason}`;
}

/** Ends the group without a place: everybody who waits is told why. */
export function giveUp(s: CoreState, group: Group, why: CoreProblem): void {
  group.failed = why;
  closeTicket(s, group);
  letGo(s, group);
  if (group.matchId !== null && group.kind === "match") s.matches.delete(matchKey(group.experienceId, group.matchId));
  answerRefused(s, group, why);
  const reason = why.code === "deadlineExceeded" ? `deadlineExceeded: ${why.detail}` : why.detail;
  for (const session of [...group.sessions]) {
    // It may be on the move by now, while this group only wanted it a second time.
    if (session.group === group) session.group = null;
    if (group.kind === "move") endSession(s, session, reason, { release: true, also: "session.lost" });
    // One that had its seat before keeps it.
    else if (session.server === null) endSession(s, session, reason, { release: false });
  }
}

/** Its last player has gone while it waited. */
export function abandon(s: CoreState, group: Group): void {
  giveUp(s, group, problem("conflict", "the session that was waited for has ended"));
}

/** Its ticket can be asked for a little longer: whoever comes back for it is told how it went. */
export function closeTicket(s: CoreState, group: Group): void {
  if (group.ticket === null) return;
  s.oldTickets.add(group.ticket, s.nowMs);
  s.spent.add(group.ticket);
  s.spentTickets.add(group.ticket, s.nowMs);
}

/** Asks for fresh tickets for seats that are held already. */
export function refresh(s: CoreState, sessions: PlayerSession[], server: GameServer): Group {
  const group = newGroup({
    kind: "refresh",
    experienceId: server.experienceId,
    sessions,
    matchId: server.matchId,
    sinceMs: s.nowMs,
    deadlineMs: s.nowMs,
  });
  askSeats(s, group, server);
  return group;
}
