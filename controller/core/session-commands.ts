import { answerQueued, letWait } from "./answers";
import type { Command } from "./input";
import type { Fleet } from "./fleet";
import { findSession, follow, followView, hasMoved, hasSeat, unknownSession } from "./follow";
import type { GameServer } from "./game-server";
import { newGroup, type Group } from "./group";
import { problem } from "./outbox";
import { giveTicket, place, refresh } from "./placement";
import type { PlayerSession } from "./player-session";
import type { ServerSelector } from "./resources";
import { hasVersion, noVersion, unknownMods } from "./routing";
import { bound, reconsider } from "./too-far";
import { endSession, openSession } from "./sessions";
import type { CoreState } from "./state";
import { wishOf } from "./version-wish";
import { placementView, sessionView } from "./views";

type Of<T extends Command["type"]> = Extract<Command, { type: T }>;

const PARTY_LIMIT = 256;
const PLAYER_ID_LIMIT = 128;
/** Nobody waits in the queue for longer, whatever was asked. */
const DEADLINE_MAX_MS = 600_000;
/** How much the newest report counts in a server's mean latency. */
const LATENCY_WEIGHT = 0.1;

export function createSession(s: CoreState, requestId: number, command: Of<"createSession">): void {
  const { playerId, experienceId, mods = [], latencies = {} } = command;
  const version = wishOf(command.version, command.clientVersion);
  const fleet = s.fleets.get(experienceId);
  const refuse = (...of: Parameters<typeof problem>): void => s.out.refuse(requestId, problem(...of));
  if (!fleet?.config)
    return refuse(
      "unknownExperience",
      `experience "${experienceId}" is not in this region; it has ${experienceNames(s)}`,
    );
  const members = command.party && command.party.length > 0 ? [...new Set([playerId, ...command.party])] : [playerId];
  const bad = badPlayers(members);
  if (bad !== null) return refuse("invalid", bad);
  const existing = fleet.players.get(playerId);
  if (existing) return again(s, fleet, requestId, existing, members, latencies);
  if (s.draining)
    return refuse("unavailable", `region ${s.settings.region} is being drained; ${otherRegions(s)}`, {
      info: { regions: servingRegions(s) },
    });
  const placed =
    members.length === 1
      ? undefined
      : members.map((member) => fleet.players.get(member)).find((session) => session !== undefined);
  if (placed)
    return refuse(
      "playerElsewhere",
      `${placed.playerId} of the party already has session ${placed.id} in ${experienceId}`,
      { info: { playerId: placed.playerId, sessionId: placed.id, serverId: placed.server?.id ?? null } },
    );
  if (version !== undefined && !hasVersion(fleet, version)) return s.out.refuse(requestId, noVersion(fleet, version));
  const unknown = unknownMods(fleet, mods);
  if (unknown.length > 0)
    return refuse(
      "unknownMod",
      `${experienceId} has no mod "${unknown.join('", "')}"; it has ${fleet.config.mods.join(", ") || "none"}`,
    );

  const deadlineMs =
    s.nowMs +
    Math.max(0, Math.min(command.deadlineMs ?? fleet.config.routing.queueDeadlineSecs * 1000, DEADLINE_MAX_MS));
  const group = openGroup(s, fleet, members, { kind: "join", version, mods, latencies, deadlineMs, matchId: null });
  bound(s, fleet, group);
  letWait(s, group, {
    requestId,
    answer: "createSession",
    session: group.sessions[0] ?? null,
    untilMs: Infinity,
    existing: false,
  });
  place(s, group);
}

export interface OpenGroup {
  readonly kind: "join" | "match" | "route";
  readonly version: string | undefined;
  readonly mods: readonly string[];
  readonly latencies: Readonly<Record<string, number>> | ((playerId: string) => Readonly<Record<string, number>>);
  readonly deadlineMs: number;
  readonly matchId: string | null;
  readonly selectors?: readonly ServerSelector[] | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** Sessions for these players, who are placed together. On a match experience a party is a match of its own. */
export function openGroup(s: CoreState, fleet: Fleet, members: readonly string[], of: OpenGroup): Group {
  const party = members.length > 1 ? members : [];
  const ids = members.map(() => s.ids("session"));
  const matchId = of.matchId ?? (fleet.config?.seats === "match" ? `party-${ids[0] ?? ""}` : null);
  const sessions = members.map((playerId, i) =>
    openSession(s, fleet, {
      id: ids[i] ?? "",
      playerId,
      experienceId: fleet.id,
      party,
      connectedAtMs: s.nowMs,
      version: of.version,
      mods: of.mods,
      latencies: typeof of.latencies === "function" ? of.latencies(playerId) : of.latencies,
      matchId,
    }),
  );
  const { kind, version, mods, deadlineMs, selectors, labels, annotations } = of;
  const group = newGroup({
    kind,
    experienceId: fleet.id,
    sessions,
    version,
    mods,
    selectors,
    matchId,
    sinceMs: s.nowMs,
    deadlineMs,
    labels,
    annotations,
  });
  for (const session of sessions) session.group = group;
  return group;
}

export function badPlayers(players: readonly string[]): string | null {
  if (players.length > PARTY_LIMIT)
    return `a party has at most ${String(PARTY_LIMIT)} players; this one has ${String(players.length)}`;
  const bad = players.find((player) => player.length === 0 || player.length > PLAYER_ID_LIMIT);
  return bad === undefined
    ? null
    : `a playerId has 1 to ${String(PLAYER_ID_LIMIT)} characters; one has ${String(bad.length)}`;
}

/** The player asks again: the same place, the same wait, never a second session. */
function again(
  s: CoreState,
  fleet: Fleet,
  requestId: number,
  session: PlayerSession,
  members: readonly string[],
  latencies: Readonly<Record<string, number>>,
): void {
  const { group, server } = session;
  const waiter = { requestId, answer: "createSession" as const, session, untilMs: Infinity, existing: server !== null };
  if (group && group.kind !== "refresh") {
    if (Object.keys(latencies).length > 0) session.latencies = latencies;
    letWait(s, group, waiter);
    if (!group.waiting) return;
    giveTicket(s, group);
    reconsider(s, fleet, group);
    if (group.waiting) answerQueued(s, group);
    return;
  }
  if (server) answerSeat(s, requestId, session, server, members);
  else
    s.out.refuse(
      requestId,
      problem("conflict", `session ${session.id} of ${session.playerId} has neither seat nor wait; ask again`, {
        retryAfterSecs: 1,
      }),
    );
}

/** A fresh ticket for a seat that is held; from memory where its agent cannot be asked. */
export function answerSeat(
  s: CoreState,
  requestId: number,
  session: PlayerSession,
  server: GameServer,
  members: readonly string[],
): void {
  if (!s.usable(server.nodeId)) {
    if (session.ticket !== null) s.out.reply(requestId, placementView(s, session, server, true, []));
    else
      s.out.refuse(
        requestId,
        problem("unavailable", `session ${session.id} is on server ${server.id}, whose node is silent now`, {
          retryAfterSecs: 1,
        }),
      );
    return;
  }
  const players = s.fleet(session.experienceId).players;
  const party = members
    .flatMap((member) => players.get(member) ?? [])
    .filter((other) => other !== session && other.server === server && hasSeat(other));
  const group = refresh(s, [session, ...party], server);
  letWait(s, group, { requestId, answer: "createSession", session, untilMs: Infinity, existing: true });
}

export function followSession(s: CoreState, requestId: number, command: Of<"followSession">): void {
  const session = findSession(s, command.sessionId);
  if (!session) return s.out.refuse(requestId, unknownSession(command.sessionId));
  const { afterGeneration, fromServerId, untilMs } = command;
  const follower = { requestId, session, afterGeneration, fromServerId, untilMs };
  const moved = hasMoved(s, follower);
  if (session.state !== "ended" && !moved) return follow(s, follower);
  const { server } = session;
  if (moved && session.ticket === null && server && s.usable(server.nodeId)) {
    const group = refresh(s, [session], server);
    letWait(s, group, { requestId, answer: "followSession", session, untilMs, existing: true });
  } else s.out.reply(requestId, followView(s, session));
}

export function updateSession(s: CoreState, requestId: number, command: Of<"updateSession">): void {
  const session = findSession(s, command.sessionId);
  if (!session) return s.out.refuse(requestId, unknownSession(command.sessionId));
  const { latencyMs, packetLoss, lastActivityMs } = command;
  if (latencyMs !== undefined) {
    session.latencyMs = latencyMs;
    const { server } = session;
    if (server)
      server.latencyMs =
        server.latencyMs === null ? latencyMs : server.latencyMs * (1 - LATENCY_WEIGHT) + latencyMs * LATENCY_WEIGHT;
  }
  if (packetLoss !== undefined) session.packetLoss = packetLoss;
  session.lastActivityMs = Math.max(session.lastActivityMs, Math.min(s.nowMs, lastActivityMs ?? s.nowMs));
  s.out.reply(requestId, sessionView(s, session));
}

export function endSessionCommand(s: CoreState, requestId: number, command: Of<"endSession">): void {
  const session = findSession(s, command.sessionId);
  if (!session) return s.out.refuse(requestId, unknownSession(command.sessionId));
  endSession(s, session, command.reason, { release: true, ...(session.joined ? { also: "session.left" } : {}) });
  s.out.reply(requestId, sessionView(s, session));
}

export function getSession(s: CoreState, requestId: number, command: Of<"getSession">): void {
  const session = findSession(s, command.sessionId);
  if (session) s.out.reply(requestId, sessionView(s, session));
  else s.out.refuse(requestId, unknownSession(command.sessionId));
}

export function findSessions(
  s: CoreState,
  requestId: number,
  { playerId, experienceId, serverId }: Of<"findSessions">,
): void {
  const found = [...candidates(s, playerId, experienceId, serverId)].filter(
    (session) =>
      session.state !== "ended" &&
      (playerId === undefined || session.playerId === playerId) &&
      (experienceId === undefined || session.experienceId === experienceId) &&
      (serverId === undefined || session.server?.id === serverId),
  );
  s.out.reply(
    requestId,
    found.map((session) => sessionView(s, session)),
  );
}

/** The smallest set that has all that were asked for. */
function* candidates(
  s: CoreState,
  playerId: string | undefined,
  experienceId: string | undefined,
  serverId: string | undefined,
): IterableIterator<PlayerSession> {
  if (serverId !== undefined) {
    yield* s.servers.get(serverId)?.seats ?? [];
    return;
  }
  for (const fleet of s.fleets.values()) {
    if (experienceId !== undefined && fleet.id !== experienceId) continue;
    const ofPlayer = playerId === undefined ? undefined : fleet.players.get(playerId);
    for (const session of playerId === undefined ? fleet.players.values() : ofPlayer ? [ofPlayer] : []) {
      yield session;
      // One that an earlier leader gave; it stands until its lease or its match ends.
      if (session.twin) yield session.twin;
    }
  }
}

export function experienceNames(s: CoreState): string {
  const names = [...s.fleets.values()].filter(({ config }) => config !== null).map(({ id }) => id);
  return names.join(", ") || "none";
}

function servingRegions(s: CoreState): string[] {
  return s.peers.filter(({ state }) => state === "up").map(({ region }) => region);
}

function otherRegions(s: CoreState): string {
  const regions = servingRegions(s);
  return regions.length > 0 ? `${regions.join(", ")} take players` : "no other region takes players now";
}
