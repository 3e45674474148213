import type { SeatReport, ServerReport } from "../../protocol/messages";
import type { AgentNode } from "./agent-node";
import type { GameServer } from "./game-server";
import type { Group } from "./group";
import { isOwed, release } from "./owed";
import { newSession, type PlayerSession } from "./player-session";
import { endSession, releaseAt, seatGone, settleTwin, unseat } from "./sessions";
import type { CoreState } from "./state";

const MOVED_ON = "the player has moved on";

/** These are all the seats that its agent has of it: what is known is made to agree. */
export function takeSeats(
  s: CoreState,
  node: AgentNode,
  server: GameServer,
  { seats, gone }: Pick<ServerReport, "seats" | "gone">,
): void {
  const told = new Map(seats.map((seat) => [seat.sessionId, seat]));
  for (const session of [...server.seats]) {
    if (!told.has(session.id)) seatGone(s, node, session, "its seat was gone when its node came back");
  }
  addSeats(s, node, server, seats, gone === undefined && server.endedAtMs === null);
}

/**
 * These seats are on it, beside those that are known.
 * @param lives players can still be there
 */
export function addSeats(
  s: CoreState,
  node: AgentNode,
  server: GameServer,
  seats: readonly SeatReport[],
  lives = true,
): void {
  for (const seat of seats) {
    // Given up while the node was away; the session itself may be forgotten by now.
    if (isOwed(node, { ...seat, serverId: server.id })) continue;
    const known = living(s, server, seat) ?? rival(s, node, server, seat);
    if (known === "outranked") continue;
    const session = known ?? adopt(s, server, seat);
    takeSeat(s, node, server, session, seat, lives);
  }
}

/**
 * The session as it is known here. What a standby took for its end, because a node was lost, may have been a move that an
 * earlier leader decided: then the player was told of this seat, and the session is begun anew. So is one of which a seat
 * elsewhere has gone that had the same generation: its leader may have settled on this one. And where a seat went and nobody here
 * knew why, its leader has asked for the same once more: an agent had lost it.
 */
function living(s: CoreState, server: GameServer, { sessionId, generation }: SeatReport): PlayerSession | undefined {
  const known = s.sessions.get(sessionId);
  if (known?.state !== "ended" || s.deciding) return known;
  const { nextGeneration, generation: last, lastServerId, unsure } = known;
  const again = generation === last && (unsure || lastServerId !== server.id);
  return again || generation >= nextGeneration ? undefined : known;
}

/**
 * Another session of the same player in this experience. Which of the two its player was told of last cannot be known: an
 * earlier leader gave the one because the other had ended, or because it did not know of it. So a seat that nobody has
 * joined is left to its lease, and whichever is joined ends the other; of two that are joined the older goes.
 */
function rival(s: CoreState, node: AgentNode, server: GameServer, seat: SeatReport): "outranked" | undefined {
  const other = s.fleet(server.experienceId).players.get(seat.playerId);
  if (!other) return undefined;
  const placed = other.server !== null && other.server.endedAtMs === null;
  const older = other.connectedAtMs < seat.carry.connectedAtMs;
  if (placed && !older && (other.twin !== null || (other.joined && seat.joined))) {
    owe(s, node, server, seat, "the player has another session here");
    return "outranked";
  }
  if (!placed || other.twin !== null || (other.joined && seat.joined))
    endSession(s, other, "the player has another session here", { release: true });
  return undefined;
}

function adopt(s: CoreState, server: GameServer, seat: SeatReport): PlayerSession {
  const { carry } = seat;
  const session = newSession({
    id: seat.sessionId,
    playerId: seat.playerId,
    experienceId: server.experienceId,
    party: carry.party,
    connectedAtMs: carry.connectedAtMs,
    version: carry.version === "" ? undefined : carry.version,
    mods: carry.mods,
    latencies: carry.latencies,
    matchId: carry.matchId ?? null,
  });
  session.announced = true;
  s.sessions.set(session.id, session);
  const { players } = s.fleet(server.experienceId);
  const other = players.get(session.playerId);
  if (other) {
    session.twin = other;
    other.twin = session;
  }
  // The one that was asked for last stands for the player.
  if (!other || other.connectedAtMs <= session.connectedAtMs) players.set(session.playerId, session);
  return session;
}

function takeSeat(
  s: CoreState,
  node: AgentNode,
  server: GameServer,
  session: PlayerSession,
  seat: SeatReport,
  lives: boolean,
): void {
  const { generation } = seat;
  // Generations from `nextGeneration` up were given by an earlier leader: that player was told of this seat.
  const { nextGeneration } = session;
  const unheard = generation >= nextGeneration;
  session.nextGeneration = Math.max(nextGeneration, generation + 1);
  const from = session.server;
  // Two leaders moved it, the later one without a word of the earlier one's seat. To a player who is there the other is news.
  const tied = from !== null && from !== server && session.generation === generation;
  const played = tied && seat.joined && !session.joined;
  let toldOfAnother = played;
  if (from !== server) {
    const outranked = from !== null && session.generation >= generation && !played;
    if (session.state === "ended" || outranked || goesOn(session.group, server, { unheard, played, lives })) {
      if (maySettle(s, tied)) owe(s, node, server, seat, session.state === "ended" ? session.reason : MOVED_ON);
      return;
    }
    // That it is on the move was told as well: here that ends.
    toldOfAnother ||= session.state === "migrating";
    leaveGroup(s, session, nextGeneration);
    if (from) unseatOutranked(s, session, from, maySettle(s, tied));
    session.state = "reserved";
    session.ticket = null;
  }
  session.server = server;
  session.lastServerId = server.id;
  server.seats.add(session);
  session.generation = generation;
  const changed = from !== server || session.joined !== seat.joined;
  session.joined = seat.joined;
  if (session.state !== "migrating") session.state = seat.joined ? "active" : "reserved";
  if (toldOfAnother) tellWhere(s, session, from, server);
  else if (changed && session.state !== "migrating") session.reason = session.joined ? "on the server" : "has a seat";
  // The older one may have been joined long before the other was given.
  if (seat.joined && session.twin && session.twin.connectedAtMs <= session.connectedAtMs) settleTwin(s, session);
}

/** Which of two seats with one generation goes only a leader says: another may have settled on either. */
function maySettle(s: CoreState, tied: boolean): boolean {
  return s.leader || !tied;
}

/** Whoever hears of moves was told of the other seat, or that it is moved. */
function tellWhere(s: CoreState, session: PlayerSession, from: GameServer | null, to: GameServer): void {
  session.reason = `${session.joined ? "plays" : "has its seat"} on ${to.id}, where an earlier leader had moved it`;
  s.out.session("session.moved", session, session.reason, { fromServerId: from?.id ?? null, toServerId: to.id });
}

/**
 * Whether another seat is looked for all the same. Of one that an agent was asked for nobody was told before the answer: whoever is
 * moved stays on the seat that they were told of, if its server lives and its generation is no lower. Whoever waits for a
 * first seat is answered with what was asked for.
 */
function goesOn(
  group: Group | null,
  server: GameServer,
  { unheard, played, lives }: { readonly unheard: boolean; readonly played: boolean; readonly lives: boolean },
): boolean {
  if (!group) return false;
  if (group.target === null) return !unheard && !played;
  return group.kind !== "move" || group.target === server || !unheard || !lives;
}

/**
 * It has a seat after all: it waits no more, and who waits for it is told to ask again. One that an agent was asked for is
 * given back, or refused there if it has not been given yet.
 * @param generation no lower than what was asked for
 */
function leaveGroup(s: CoreState, session: PlayerSession, generation: number): void {
  const { group } = session;
  if (!group) return;
  session.group = null;
  const { line } = s.fleet(session.experienceId);
  if (group.target) releaseAt(s, group.target, [{ sessionId: session.id, generation }], MOVED_ON);
  const waits = line.remove(group);
  group.sessions.splice(group.sessions.indexOf(session), 1);
  if (group.sessions.length === 0) s.emptied.push(group);
  else if (waits) line.add(group);
}

function unseatOutranked(s: CoreState, session: PlayerSession, from: GameServer, giveBack: boolean): void {
  const { id: sessionId, generation } = session;
  const { id: serverId, nodeId, allocationId } = from;
  if (giveBack && nodeId !== null && allocationId !== null)
    release(s, s.node(nodeId), { serverId, allocationId, sessionId, generation, reason: MOVED_ON });
  unseat(s, session);
}

function owe(s: CoreState, node: AgentNode, server: GameServer, seat: SeatReport, reason: string): void {
  const { sessionId, generation } = seat;
  release(s, node, {
    serverId: server.id,
    allocationId: server.allocationId ?? "",
    sessionId,
    generation,
    reason,
  });
}
