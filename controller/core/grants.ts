import type { Ack } from "../../protocol/messages";
import { answerPlaced, answerRefused } from "./answers";
import type { CoreProblem } from "./decision";
import { noteAnswer } from "./fleet";
import { answerFollowers } from "./follow";
import { seatsHeld, type GameServer } from "./game-server";
import type { Group } from "./group";
import { problem } from "./outbox";
import { closeTicket, giveUp, matchKey, place } from "./placement";
import type { PlayerSession } from "./player-session";
import { setState } from "./servers";
import { releaseAt, unseat } from "./sessions";
import type { CoreState, OpenRequest } from "./state";
import { noLongerWanted } from "./wanted";

/** How long a server is left alone after its agent asked for patience, in milliseconds. */
const PAUSE_MS = 500;
/** The same where its agent did not answer at all. */
const SILENT_PAUSE_MS = 2000;

/** The agent answered a grant or claim. */
export function onSeats(s: CoreState, purpose: SeatsPurpose, ack: Ack): void {
  const { server, group, asked } = purpose;
  server.inFlight -= asked;
  group.target = null;
  if (ack.ok) onGranted(s, group, server, ack.seats ?? []);
  else onRefused(s, group, server, ack.code, ack.detail);
  s.reindex(server);
}

type SeatsPurpose = Extract<OpenRequest["purpose"], { kind: "seats" }>;
type GrantedSeats = NonNullable<Extract<Ack, { ok: true }>["seats"]>;

function onGranted(s: CoreState, group: Group, server: GameServer, seats: GrantedSeats): void {
  const fleet = s.fleet(group.experienceId);
  const gone: { sessionId: string; generation: number }[] = [];
  const movedFrom = new Map<GameServer, { id: string; playerId: string; generation: number }[]>();
  for (const seat of seats) {
    const session = group.sessions.find(({ id }) => id === seat.sessionId);
    if (!session || session.state === "ended") {
      gone.push({ sessionId: seat.sessionId, generation: seat.generation });
      continue;
    }
    const from = session.server;
    if (from && from !== server) {
      const { id, playerId, generation } = session;
      movedFrom.set(from, [...(movedFrom.get(from) ?? []), { id, playerId, generation }]);
    }
    seated(s, group, session, server, seat);
  }
  releaseAt(s, server, gone, "the session has ended or is elsewhere by now");
  for (const [from, left] of movedFrom) leaveOld(s, from, left);
  if (group.matchId !== null && group.kind !== "refresh") {
    // Where nobody of it is left, the claim has no match to end with. It may be played elsewhere, as its node has told since.
    const key = matchKey(group.experienceId, group.matchId);
    if (server.seats.size > 0) claimed(s, group, server);
    else {
      server.doubt = group.matchId;
      if (!s.matches.get(key)?.server?.seats.size) s.matches.delete(key);
    }
  }
  if (group.kind === "join" || group.kind === "match") noteAnswer(fleet, s.nowMs - group.sinceMs, s.nowMs);
  if (group.ticket !== null) fleet.served.note(s.nowMs);
  closeTicket(s, group);
  answerPlaced(s, group, server);
  for (const session of group.sessions) if (session.server === server) answerFollowers(s, session);
}

function seated(
  s: CoreState,
  group: Group,
  session: PlayerSession,
  server: GameServer,
  seat: GrantedSeats[number],
): void {
  const { generation, ticket } = seat;
  const from = session.server;
  session.ticket = ticket;
  if (session.group === group) session.group = null;
  if (from === server) return;
  const { restore, moveStartedMs, cameFrom } = session;
  if (from || cameFrom) session.restoredAgeMs = restore ? Math.max(0, s.nowMs - restore.savedAtMs) : null;
  if (from) {
    session.moves++;
    unseat(s, session);
  }
  session.server = server;
  session.lastServerId = server.id;
  server.seats.add(session);
  session.generation = generation;
  session.nextGeneration = generation + 1;
  session.state = "reserved";
  session.joined = false;
  session.restore = null;
  session.moveStartedMs = null;
  if (!from) {
    session.reason = cameFrom
      ? `came from region ${cameFrom.region}, where it was ${cameFrom.sessionId}`
      : "has a seat";
    session.cameFrom = null;
    s.out.session("session.reserved", session, session.reason, cameFrom ? { fromRegion: cameFrom.region } : undefined);
    return;
  }
  session.reason = `moved from ${from.id}`;
  s.out.session("session.moved", session, session.reason, {
    fromServerId: from.id,
    toServerId: server.id,
    tookMs: s.nowMs - (moveStartedMs ?? s.nowMs),
    restoredAgeMs: session.restoredAgeMs,
  });
}

/** Seats on a server that lives on are given back there, and it is told who has gone. */
export function leaveOld(
  s: CoreState,
  from: GameServer,
  left: readonly { readonly id: string; readonly playerId: string; readonly generation: number }[],
): void {
  const { nodeId, allocationId, id: serverId } = from;
  if (from.state === "terminated" || nodeId === null || allocationId === null) return;
  if (s.usable(nodeId)) {
    const playerIds = left.map(({ playerId }) => playerId);
    s.send(
      nodeId,
      { kind: "notice", serverId, allocationId, notice: { kind: "moved", playerIds, reason: from.reason } },
      { kind: "told" },
    );
  }
  releaseAt(
    s,
    from,
    left.map(({ id: sessionId, generation }) => ({ sessionId, generation })),
    "moved to another server",
  );
}

function claimed(s: CoreState, group: Group, server: GameServer): void {
  const match = group.matchId === null ? undefined : s.matches.get(matchKey(group.experienceId, group.matchId));
  if (match) match.server = server;
  const fresh = server.matchId !== group.matchId;
  server.matchId = group.matchId;
  server.doubt = null;
  noLongerWanted(s.fleet(group.experienceId), server);
  if (server.state === "ready" || server.state === "reserved")
    setState(s, server, "allocated", `match ${group.matchId ?? ""}`);
  if (!fresh || (!group.labels && !group.annotations) || server.nodeId === null || server.allocationId === null) return;
  const { id: serverId, allocationId, nodeId } = server;
  Object.assign(server.labels, group.labels);
  Object.assign(server.annotations, group.annotations);
  const told = { labels: group.labels ?? {}, annotations: group.annotations ?? {} };
  s.send(nodeId, { kind: "labels", serverId, allocationId, ...told }, { kind: "told" });
}

/** The agent said no: corrects the view of that server and looks for another. */
function onRefused(
  s: CoreState,
  group: Group,
  server: GameServer,
  code: Extract<Ack, { ok: false }>["code"],
  detail: string,
): void {
  correctView(s, server, code);
  s.reindex(server);
  // An agent that is wrong, or lies, may hold the seat all the same: what is asked for next outranks it.
  if (group.kind !== "refresh")
    for (const session of group.sessions) if (session.server !== server) session.nextGeneration++;
  if (group.kind === "refresh") {
    const why = `the server of this session gives no ticket now: ${detail}`;
    // A server that lets its last players finish gives no new tickets; those that it gave are good.
    if (code === "closed" && group.sessions.every(({ ticket }) => ticket !== null)) answerPlaced(s, group, server);
    else answerRefused(s, group, problem("unavailable", why, { retryAfterSecs: 1 }));
  } else if (group.kind === "route") {
    giveUp(s, group, routeProblem(server, code, detail));
  } else retry(s, group, `server ${server.id} refused: ${detail}`);
}

/** What a refusal says of the server; its seats are looked at anew. */
export function correctView(s: CoreState, server: GameServer, code: Extract<Ack, { ok: false }>["code"]): void {
  switch (code) {
    case "full":
    case "claimed":
      // The agent knows of seats that the core does not: none are free until something changes, or for a moment.
      server.phantom = Math.max(0, server.maxPlayers - seatsHeld(server) + server.phantom);
      s.timers.at(s.nowMs + 2 * PAUSE_MS, () => {
        server.phantom = 0;
        s.reindex(server);
      });
      return;
    case "closed":
      if (server.closing === "open") server.closing = "closed";
      return;
    case "matchOver":
      // Its agent has said so before; else it is left alone until it does.
      if (server.matchId !== null) pause(s, server, PAUSE_MS);
      return;
    default:
      pause(s, server, PAUSE_MS);
  }
}

/** Its agent has not answered: it is left alone for a while. */
export function pauseSilent(s: CoreState, server: GameServer): void {
  pause(s, server, SILENT_PAUSE_MS);
}

/** Leaves a server alone for a while. */
function pause(s: CoreState, server: GameServer, ms: number): void {
  server.pausedUntilMs = s.nowMs + ms;
  s.timers.at(server.pausedUntilMs, () => s.reindex(server));
}

function routeProblem(server: GameServer, code: string, detail: string): CoreProblem {
  const info = { serverId: server.id };
  if (code === "full") return problem("serverFull", `server ${server.id} has no room: ${detail}`, { info });
  if (code === "closed" || code === "gone")
    return problem("serverClosed", `server ${server.id} takes nobody any more: ${detail}`, { info });
  return problem("serverNotReady", `server ${server.id} takes nobody now: ${detail}`, { info });
}

/** Seats that nobody waits for any more, unless they were held all along. */
export function onLateSeats(s: CoreState, server: GameServer, ack: Ack): void {
  if (!ack.ok) return;
  const unwanted = (ack.seats ?? []).filter(({ sessionId, generation }) => {
    const session = s.sessions.get(sessionId);
    return session?.server !== server || session.generation !== generation;
  });
  releaseAt(
    s,
    server,
    unwanted.map(({ sessionId, generation }) => ({ sessionId, generation })),
    "granted too late",
  );
}

/** The answer to a grant will never come. The seat may exist, so the next grant outranks it. */
export function onSeatsLost(s: CoreState, purpose: SeatsPurpose, reason: string): void {
  const { server, group, asked } = purpose;
  server.inFlight -= asked;
  group.target = null;
  const doubtful = group.sessions
    .filter((session) => session.server !== server)
    .map((session) => ({ sessionId: session.id, generation: session.nextGeneration++ }));
  releaseAt(s, server, doubtful, reason);
  pauseSilent(s, server);
  if (group.matchId !== null && group.kind !== "refresh" && server.matchId !== group.matchId)
    server.doubt = group.matchId;
  s.reindex(server);
  const refusal = problem("unavailable", `server ${server.id} did not answer: ${reason}`, { retryAfterSecs: 1 });
  if (group.kind === "refresh") {
    answerRefused(s, group, refusal);
  } else if (group.kind === "route") giveUp(s, group, refusal);
  else retry(s, group, reason);
}

function retry(s: CoreState, group: Group, reason: string): void {
  const alive = group.sessions.filter(({ state }) => state !== "ended");
  if (alive.length === 0) {
    giveUp(s, group, problem("conflict", "the session ended before it had a seat"));
    return;
  }
  group.sessions.splice(0, group.sessions.length, ...alive);
  group.reason = reason;
  place(s, group);
}
