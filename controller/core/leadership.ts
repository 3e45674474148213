import { takeLosses } from "./agent-events";
import type { AgentNode } from "./agent-node";
import { answerRefused } from "./answers";
import { sendEpoch, suspectUnseen } from "./connection";
import type { Fleet } from "./fleet";
import type { Group } from "./group";
import { forgetUnkept } from "./drain-mark";
import { letGo } from "./keeping";
import { takeUpEnding } from "./kept-endings";
import { beginUnheard, noteFound } from "./kept-advice";
import { dropHeld, setHolding } from "./holding";
import { stopMoving } from "./move-out";
import { problem } from "./outbox";
import { oweNoMore, type OwedRelease } from "./owed";
import { closeTicket, giveUp, noRoom } from "./placement";
import type { PlayerSession } from "./player-session";
import { dropServer, setState } from "./servers";
import { giveTimeToStart } from "./spawn";
import type { CoreState } from "./state";

/** How long a new leader waits for the agents of nodes that run servers, in milliseconds. */
const REBUILD_MS = 5000;
/** How long it waits for the engine's list, and with the sizes of fleets for what was kept of them, before it goes on without. */
const ENGINE_LIST_MS = 30_000;

export const NOT_LEADER = problem("notLeader", "this controller does not lead its region now; ask the leader", {
  retryAfterSecs: 1,
});

interface Leads {
  readonly leader: boolean;
  readonly epoch: number;
  readonly holding?: boolean;
  readonly keeps?: boolean;
}

export function onLeadership(s: CoreState, { leader, epoch, holding = false, keeps = false }: Leads): void {
  if (leader && s.leader && epoch === s.epoch) return setHolding(s, holding);
  if (s.leader) stopLeading(s);
  s.epoch = epoch;
  if (!leader) return;
  startLeading(s);
  s.kept = keeps ? "awaited" : "nowhere";
  s.keptUntilMs = s.nowMs + ENGINE_LIST_MS;
  setHolding(s, holding);
}

function startLeading(s: CoreState): void {
  s.leader = true;
  s.out.leading = true;
  s.rebuilding = true;
  // What the last leader started on its last day, a standby was told of by nobody.
  s.engineListed = false;
  s.rebuildUntilMs = s.nowMs + REBUILD_MS;
  s.out.happened("leader.changed", `${s.controllerId} leads with epoch ${String(s.epoch)}`, {
    controllerId: s.controllerId,
    epoch: s.epoch,
  });
  for (const node of s.nodes.values()) {
    node.epochAcked = -1;
    if (node.connected) sendEpoch(s, node);
  }
  for (const experienceId of Object.keys(s.settings.experiences)) s.dirty.add(s.fleet(experienceId));
  for (const fleet of s.fleets.values()) beginUnheard(fleet);
}

/** What a leader alone may do stops at once, and everybody who waits for it is told. */
function stopLeading(s: CoreState): void {
  const undecided: PlayerSession[] = [];
  for (const group of openGroups(s)) {
    undecided.push(...group.sessions.filter(({ state }) => state !== "ended"));
    s.fleet(group.experienceId).line.remove(group);
    group.target = null;
    // The next leader learns of seats from the agents, and so of players whose server is lost; of a wait it learns by its
    // ticket, which carries it: whoever waits comes back with that.
    if (group.kind === "join") {
      letWaitElsewhere(s, group);
      continue;
    }
    if (group.kind !== "move" && group.kind !== "refresh") {
      giveUp(s, group, NOT_LEADER);
      continue;
    }
    group.failed = NOT_LEADER;
    closeTicket(s, group);
    answerRefused(s, group, NOT_LEADER);
    for (const session of group.sessions) if (session.group === group) session.group = null;
  }
  leaveUndecided(s, undecided);
  leaveEnded(s);
  leaveHeld(s);
  for (const followers of s.followers.values()) {
    for (const { requestId } of followers) s.out.refuse(requestId, NOT_LEADER);
  }
  s.followers.clear();
  for (const { purpose } of s.requests.values())
    if (purpose.kind === "allocation") s.out.refuse(purpose.pending.requestId, NOT_LEADER);
  for (const { requestId } of s.parked.splice(0)) s.out.refuse(requestId, NOT_LEADER);
  s.openClaims = 0;
  stopMoving(s);
  for (const { requestId } of s.drainAsks) s.out.refuse(requestId, NOT_LEADER);
  s.drainAsks.clear();
  forgetUnkept(s);
  for (const { requestId } of s.fleetAsks.splice(0)) s.out.refuse(requestId, NOT_LEADER);
  s.keepDue = false;
  // What is kept of isolated nodes counts, should it lead again: others may have given them back meanwhile.
  s.nodesBefore.clear();
  s.endingsBefore.clear();
  for (const node of s.nodes.values()) node.isolation = null;
  s.leader = false;
  s.rebuilding = true;
  s.out.leading = false;
  s.requests.clear();
  s.short.clear();
  s.reaching.clear();
  s.engineListed = false;
  for (const server of s.servers.values()) {
    for (const requestId of server.waitingReady.splice(0)) s.out.refuse(requestId, NOT_LEADER);
    server.inFlight = 0;
    server.keptFor = null;
    s.reindex(server);
  }
  for (const fleet of s.fleets.values()) {
    fleet.keeps = null;
    fleet.owed.length = 0;
  }
  leaveGivenUp(s);
  s.ending.clear();
  dropHeld(s);
}

/**
 * Servers that it gave up as their node was out of reach, and whose end nobody has seen: the next leader may hear that node, and to
 * it they are as good as any. What is there of them is found anew.
 */
function leaveGivenUp(s: CoreState): void {
  for (const node of s.nodes.values()) node.owedForgets.clear();
  for (const server of s.servers.values())
    if (server.endedAtMs !== null && server.engine !== "exited" && server.seats.size === 0) dropServer(s, server);
}

/** Grants of these that were never answered are the next leader's to find, or to give again with the same generation. */
function leaveUndecided(s: CoreState, undecided: readonly PlayerSession[]): void {
  if (undecided.length === 0) return;
  oweNoMore(s.nodes.values(), new Set(undecided.map(({ id }) => id)));
  for (const session of undecided) session.nextGeneration = session.generation + 1;
}

/**
 * Ended sessions whose seats may not have been given back: the next leader finds the seat, and may tell its player of it.
 * What is there is found anew; what nobody comes for goes with its lease. Of two seats with one generation, too, it may
 * settle on the other.
 */
function leaveEnded(s: CoreState): void {
  const ended = new Set<string>();
  const tied = new Set<string>();
  const add = ({ sessionId, generation }: OwedRelease): void => {
    const session = s.sessions.get(sessionId);
    if ((session?.state ?? "ended") === "ended") ended.add(sessionId);
    else if (session?.generation === generation) tied.add(sessionId);
  };
  for (const { owedReleases } of s.nodes.values()) for (const owed of owedReleases.values()) add(owed);
  for (const { purpose } of s.requests.values()) if (purpose.kind === "release") add(purpose.owed);
  if (ended.size + tied.size === 0) return;
  oweNoMore(s.nodes.values(), new Set([...ended, ...tied]));
  for (const id of ended) s.sessions.delete(id);
}

/** Servers that waited for the roles of their experience: no engine was asked for them, and the next leader starts what it needs. */
function leaveHeld(s: CoreState): void {
  for (const fleet of s.fleets.values()) {
    for (const server of [...fleet.held]) {
      for (const requestId of server.waitingReady.splice(0)) s.out.refuse(requestId, NOT_LEADER);
      setState(s, server, "terminated", "its leader fell before it was started");
    }
  }
}

/** Forgotten here without a word but to those who ask: its wait is not over. */
function letWaitElsewhere(s: CoreState, group: Group): void {
  answerRefused(s, group, NOT_LEADER);
  letGo(s, group);
  if (group.ticket !== null) s.tickets.delete(group.ticket);
  const { players } = s.fleet(group.experienceId);
  for (const session of group.sessions) {
    if (session.group === group) session.group = null;
    if (session.server !== null || session.state === "ended") continue;
    session.state = "ended";
    s.sessions.delete(session.id);
    if (players.get(session.playerId) === session) players.delete(session.playerId);
  }
}

/** All groups that wait or are being granted. */
function openGroups(s: CoreState): Set<Group> {
  const groups = new Set<Group>();
  for (const { group } of s.sessions.values()) if (group) groups.add(group);
  for (const { purpose } of s.requests.values()) if (purpose.kind === "seats") groups.add(purpose.group);
  return groups;
}

/** This controller itself heard it, and has not for so long that its servers are suspect: it waits for it no longer. */
function isSilent({ nowMs, settings }: CoreState, { silentSinceMs }: AgentNode): boolean {
  return silentSinceMs !== null && nowMs - silentSinceMs >= settings.suspectAfterSecs * 1000;
}

/** Its agent is there, or may be about to dial. Where the engine alone has lost the node, its servers run on, and it may know of them. */
function mayAnswer({ connected, down, lost, servers }: AgentNode): boolean {
  if (connected || !down) return connected || servers.size > 0;
  return lost !== null && [...servers].some(({ endedAtMs }) => endedAtMs === null);
}

/** Those who came while it was learning what runs wait for room from now on. */
function tellLine({ line }: Fleet): void {
  for (const group of line.all()) {
    if (group.hindrance !== null) continue;
    group.reason = noRoom(group);
    for (const session of group.sessions) if (session.state === "queued") session.reason = group.reason;
  }
}

/** A new leader begins to decide once it knows all seats, or has waited long enough for the agents that hold them. */
export function checkRebuilt(s: CoreState): void {
  if (!s.leader || !s.rebuilding) return;
  const patience = s.nowMs < s.rebuildUntilMs;
  if (!s.engineListed && s.nowMs < s.rebuildUntilMs - REBUILD_MS + ENGINE_LIST_MS) return;
  if (s.kept === "awaited" && patience) return;
  if (patience) {
    for (const node of s.nodes.values()) {
      if (mayAnswer(node) && !s.usable(node.id) && !isSilent(s, node)) return;
    }
  }
  s.rebuilding = false;
  suspectUnseen(s);
  takeLosses(s);
  for (const fleet of s.fleets.values()) {
    // When the last leader let servers go is not known; a change of leaders alone is no reason to.
    fleet.cooldown.lastDownMs = s.nowMs;
    noteFound(fleet);
    tellLine(fleet);
    s.dirty.add(fleet);
  }
  for (const server of s.servers.values()) {
    takeUpEnding(s, server);
    if (server.ending) s.ending.add(server);
    if (server.state === "starting" && server.engine !== "held") giveTimeToStart(s, server);
  }
}
