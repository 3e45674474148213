import { letWait } from "./answers";
import type { Command } from "./input";
import type { Fleet } from "./fleet";
import { hasSeat } from "./follow";
import { isPrimary, isEmpty, seatsHeld, type GameServer } from "./game-server";
import type { Group } from "./group";
import { takesPlayers } from "./lifecycle";
import { problem } from "./outbox";
import { askSeats, matchKey, place, refresh, whyNotNow } from "./placement";
import type { PlayerSession } from "./player-session";
import type { CoreProblem } from "./decision";
import type { ServerSelector } from "./resources";
import { hasVersion, noVersion } from "./routing";
import { badPlayers, experienceNames, openGroup } from "./session-commands";
import type { CoreState } from "./state";
import { clientsOfServer, takesWish, wishOf } from "./version-wish";

type Of<T extends Command["type"]> = Extract<Command, { type: T }>;

/** Claims a whole ready server for a match; the same matchId gives the same match again. */
export function allocateMatch(s: CoreState, requestId: number, command: Of<"allocateMatch">): void {
  const { experienceId, matchId, players, clientVersion } = command;
  const version = wishOf(command.version, clientVersion);
  const selectors = command.selectors?.map((selector) =>
    selector.version === undefined ? selector : { ...selector, version: wishOf(selector.version, clientVersion) ?? "" },
  );
  const fleet = s.fleets.get(experienceId);
  const refuse = (...of: Parameters<typeof problem>): void => s.out.refuse(requestId, problem(...of));
  if (!fleet?.config)
    return refuse(
      "unknownExperience",
      `experience "${experienceId}" is not in this region; it has ${experienceNames(s)}`,
    );
  const key = matchKey(experienceId, matchId);
  const known = s.matches.get(key);
  if (known) return matchAgain(s, requestId, known.group, known.server, known.ended, matchId);
  const members = [...new Set(players.map(({ playerId }) => playerId))];
  const bad = badPlayers(members);
  if (bad !== null) return refuse("invalid", bad);
  // A match of nobody would claim a server that nothing ever gives back.
  if (members.length === 0) return refuse("invalid", `match ${matchId} names no player; name at least one`);
  if (s.draining) return refuse("unavailable", `region ${s.settings.region} is being drained`);
  const unknown = unknownVersion(fleet, version, selectors);
  if (unknown !== undefined) return s.out.refuse(requestId, noVersion(fleet, unknown));
  const placed = members.map((member) => fleet.players.get(member)).find((session) => session !== undefined);
  if (placed)
    return refuse("playerElsewhere", `${placed.playerId} already has session ${placed.id} in ${experienceId}`, {
      info: { playerId: placed.playerId, sessionId: placed.id },
    });

  const latencies = new Map(players.map((player) => [player.playerId, player.latencies ?? {}]));
  const deadlineMs = s.nowMs + Math.max(0, command.deadlineMs ?? fleet.config.routing.queueDeadlineSecs * 1000);
  const group = openGroup(s, fleet, members, {
    kind: "match",
    version,
    mods: [],
    latencies: (playerId) => latencies.get(playerId) ?? {},
    deadlineMs,
    matchId,
    selectors,
    labels: command.labels,
    annotations: command.annotations,
  });
  s.matches.set(key, { experienceId, matchId, group, server: null, ended: false });
  letWait(s, group, { requestId, answer: "allocateMatch", session: null, untilMs: Infinity, existing: false });
  place(s, group);
}

/** A version that has to be there and is not: that of the call, or where each selector names one and none is there, the first. */
function unknownVersion(
  fleet: Fleet,
  version: string | undefined,
  selectors: readonly ServerSelector[] = [],
): string | undefined {
  const absent = (one: string | undefined): one is string => one !== undefined && !hasVersion(fleet, one);
  if (selectors.length === 0) return absent(version) ? version : undefined;
  const versions = selectors.map((selector) => selector.version ?? version);
  return versions.every(absent) ? versions[0] : undefined;
}

function matchAgain(
  s: CoreState,
  requestId: number,
  group: Group,
  server: GameServer | null,
  ended: boolean,
  matchId: string,
): void {
  const waiter = { requestId, answer: "allocateMatch" as const, session: null, untilMs: Infinity, existing: true };
  if (ended)
    return s.out.refuse(
      requestId,
      problem("conflict", `match "${matchId}" has ended; a new match needs a new matchId`),
    );
  if (group.waiting || group.target || !server) {
    letWait(s, group, waiter);
    return;
  }
  const seated = [...server.seats].filter(hasSeat);
  if (!s.usable(server.nodeId) || seated.length === 0) {
    return s.out.refuse(
      requestId,
      problem("unavailable", `match "${matchId}" is on server ${server.id}, which gives no tickets now`, {
        retryAfterSecs: 1,
        info: { serverId: server.id },
      }),
    );
  }
  letWait(s, refresh(s, seated, server), waiter);
}

/** Puts these players on that server, all or none. */
export function routePlayers(s: CoreState, requestId: number, command: Of<"routePlayers">): void {
  const { serverId, players, clientVersion } = command;
  const server = s.servers.get(serverId);
  const members = [...new Set(players)];
  const why = server
    ? (whyNotRoute(s, server) ?? whyNotClient(s, server, clientVersion))
    : problem("unknownServer", `there is no server "${serverId}" in this region`);
  const bad = badPlayers(members);
  if (bad !== null || members.length === 0)
    return s.out.refuse(requestId, problem("invalid", bad ?? "players is empty"));
  if (!server || why) return s.out.refuse(requestId, why ?? problem("unknownServer", serverId));
  const fleet = s.fleet(server.experienceId);
  const there: PlayerSession[] = [];
  const fresh: string[] = [];
  for (const member of members) {
    const session = fleet.players.get(member);
    if (!session) fresh.push(member);
    else if (session.server === server && hasSeat(session)) there.push(session);
    else
      return s.out.refuse(
        requestId,
        problem(
          "playerElsewhere",
          `${member} has session ${session.id} (${session.state})${session.server ? ` on server ${session.server.id}` : ""}`,
          { info: { playerId: member, sessionId: session.id, serverId: session.server?.id ?? null } },
        ),
      );
  }
  const free = server.maxPlayers - seatsHeld(server);
  if (fresh.length > free)
    return s.out.refuse(
      requestId,
      problem(
        "serverFull",
        `server ${serverId} has ${String(Math.max(0, free))} free seats, ${String(fresh.length)} are asked for`,
        { info: { serverId, free } },
      ),
    );
  // Who is on the way out may be shown the way back to their seat, but nobody new comes.
  if (fresh.length > 0 && s.draining)
    return s.out.refuse(requestId, problem("unavailable", `region ${s.settings.region} is being drained`));
  if (fresh.length > 0 && server.closing !== "open")
    return s.out.refuse(requestId, problem("serverClosed", `server ${serverId} takes nobody any more`));
  const group = openGroup(s, fleet, fresh, {
    kind: "route",
    version: wishOf(undefined, clientVersion),
    mods: [],
    latencies: {},
    deadlineMs: s.nowMs,
    matchId: server.matchId,
  });
  group.sessions.push(...there);
  letWait(s, group, { requestId, answer: "routePlayers", session: null, untilMs: Infinity, existing: false });
  askSeats(s, group, server);
}

function whyNotClient(s: CoreState, server: GameServer, clientVersion: string | undefined): CoreProblem | null {
  const { id, version } = server;
  const clients = clientsOfServer(s.fleet(server.experienceId), server);
  if (clientVersion === undefined || takesWish(wishOf(undefined, clientVersion) ?? "", version, clients)) return null;
  return problem(
    "clientUnsupported",
    `server ${id} of version "${version}" takes clients "${clients ?? ""}", not one of version "${clientVersion}"`,
    { info: { serverId: id, clientVersion, versions: { [version]: clients } } },
  );
}

function whyNotRoute(s: CoreState, server: GameServer): CoreProblem | null {
  const { id, state } = server;
  const info = { serverId: id, state };
  if (state === "draining" || state === "terminated")
    return problem("serverClosed", `server ${id} is ${state}: ${server.reason}`, { info });
  // What is wrong passes, and callers try again: agent or leader is away, and after that its state is another.
  if (whyNotNow(s) !== null || state === "suspect" || (server.nodeId !== null && !s.usable(server.nodeId)))
    return problem("unavailable", `server ${id} cannot be asked for seats now`, { retryAfterSecs: 1, info });
  if (!takesPlayers(state) || !isPrimary(server))
    return problem("serverNotReady", `server ${id} is ${state} and takes nobody now`, { info });
  if (s.fleet(server.experienceId).config?.seats === "match" && server.matchId === null && !isEmpty(server))
    return problem("serverNotReady", `server ${id} is busy with a match of its own`, { info });
  return null;
}
