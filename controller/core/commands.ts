import { allocateServer } from "./allocate-server";
import { takeIn } from "./arrivals";
import type { Command, CommandType } from "./input";
import { decisionAboutRegion } from "./drain-decisions";
import { endingFacts } from "./ending-facts";
import { drainRegion, getFleet, getRegion, listFleets, putFleet } from "./fleet-commands";
import { HOLDING, mustWait } from "./holding";
import { NOT_LEADER } from "./leadership";
import { allocateMatch, routePlayers } from "./match-commands";
import { problem } from "./outbox";
import { matchKey } from "./placement";
import type { DecisionRecord } from "./resources";
import { leaveQueue, listQueue, waitQueue } from "./queue-commands";
import { rolloutFacts } from "./rollout-facts";
import { getServer, labelServer, listServers, spawnServer, terminateServer } from "./server-commands";
import {
  createSession,
  endSessionCommand,
  findSessions,
  followSession,
  getSession,
  updateSession,
} from "./session-commands";
import type { CoreState } from "./state";
import { unheardNodes } from "./unheard-nodes";

/** Commands that look only; a standby answers them from what it has heard. */
const READING: ReadonlySet<CommandType> = new Set<CommandType>([
  "listServers",
  "getServer",
  "getSession",
  "findSessions",
  "listQueue",
  "listFleets",
  "getFleet",
  "getRegion",
  "tellUnheard",
  "getDecision",
]);

export function onCommand(s: CoreState, requestId: number, command: Command): void {
  if (!s.leader && !READING.has(command.type)) return s.out.refuse(requestId, NOT_LEADER);
  if (mustWait(s, command.type)) return s.out.refuse(requestId, HOLDING);
  switch (command.type) {
    case "spawnServer":
      return spawnServer(s, requestId, command);
    case "listServers":
      return listServers(s, requestId, command);
    case "getServer":
      return getServer(s, requestId, command);
    case "labelServer":
      return labelServer(s, requestId, command);
    case "terminateServer":
      return terminateServer(s, requestId, command);
    case "createSession":
      return createSession(s, requestId, command);
    case "routePlayers":
      return routePlayers(s, requestId, command);
    case "getSession":
      return getSession(s, requestId, command);
    case "findSessions":
      return findSessions(s, requestId, command);
    case "followSession":
      return followSession(s, requestId, command);
    case "updateSession":
      return updateSession(s, requestId, command);
    case "endSession":
      return endSessionCommand(s, requestId, command);
    case "listQueue":
      return listQueue(s, requestId, command);
    case "waitQueue":
      return waitQueue(s, requestId, command);
    case "leaveQueue":
      return leaveQueue(s, requestId, command);
    case "allocateMatch":
      return allocateMatch(s, requestId, command);
    case "allocateServer":
      return allocateServer(s, requestId, command);
    case "listFleets":
      return listFleets(s, requestId);
    case "getFleet":
      return getFleet(s, requestId, command);
    case "putFleet":
      return putFleet(s, requestId, command);
    case "getRegion":
      return getRegion(s, requestId);
    case "tellUnheard":
      return s.out.reply(requestId, unheardNodes(s));
    case "drainRegion":
      return drainRegion(s, requestId, command);
    case "takeIn":
      return takeIn(s, requestId, command);
    case "getDecision": {
      const record = decisionAbout(s, command.id);
      if (record) s.out.reply(requestId, record);
      else
        s.out.refuse(
          requestId,
          problem(
            "unknownDecision",
            `nothing is remembered under "${command.id}"; give a decision's id, or that of a recent session, server or experience, or the region's name`,
          ),
        );
    }
  }
}

/** What was decided for a match was decided for one of its players. */
function decisionAboutMatch(s: CoreState, id: string): DecisionRecord | undefined {
  for (const { id: experienceId } of s.fleets.values()) {
    const seats = s.matches.get(matchKey(experienceId, id))?.server?.seats ?? [];
    for (const session of seats) {
      const record = session.matchId === id ? s.records.find(session.id) : undefined;
      if (record) return { ...record, subject: id };
    }
  }
  return undefined;
}

/** Those who came together are placed by one decision, which is the first one's. */
function decisionAboutParty(s: CoreState, id: string): DecisionRecord | undefined {
  const session = s.sessions.get(id);
  if (!session) return undefined;
  if (session.matchId !== null) return decisionAboutMatch(s, session.matchId);
  const { players } = s.fleet(session.experienceId);
  for (const member of session.party) {
    const other = players.get(member);
    const record = other && other.server === session.server ? s.records.find(other.id) : undefined;
    if (record) return record;
  }
  return undefined;
}

/**
 * The newest decision about it; of the region also how far its drain is, of an experience also how far its rollout is,
 * and what was last thought of its size, where that changed nothing.
 */
function decisionAbout(s: CoreState, id: string): DecisionRecord | undefined {
  const record = s.records.find(id) ?? decisionAboutMatch(s, id) ?? decisionAboutParty(s, id);
  const server = s.servers.get(id);
  if (server && record) return { ...record, reasons: [...record.reasons, ...endingFacts(s, server).map(asNow)] };
  const fleet = s.fleets.get(id);
  if (!fleet?.config) return id === s.settings.region ? decisionAboutRegion(s, record) : record;
  const now = rolloutFacts(s, fleet).map((text) => `rollout: ${text}`);
  const { thought } = fleet;
  if (record) {
    const since = thought === null ? [] : [`since then, ${thought}`];
    return { ...record, reasons: [...record.reasons, ...since, ...now] };
  }
  if (thought === null && now.length === 0) return record;
  const reasons = [...(thought === null ? [] : [thought]), ...now];
  const at = s.out.iso(s.nowMs);
  return { id, at, kind: "scale", subject: id, outcome: "no change so far", reasons, considered: [] };
}

function asNow(fact: string): string {
  return `now: ${fact}`;
}
