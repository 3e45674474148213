import { letWait } from "./answers";
import type { ArrivingPlayer } from "./arrival";
import type { Fleet } from "./fleet";
import { hasSeat } from "./follow";
import { newGroup, type Group } from "./group";
import type { Command } from "./input";
import { problem } from "./outbox";
import { matchKey, place, refresh } from "./placement";
import type { PlayerSession } from "./player-session";
import { hasVersion, noVersion, unknownMods } from "./routing";
import { badPlayers, experienceNames } from "./session-commands";
import { openSession } from "./sessions";
import type { CoreProblem } from "./decision";
import type { CoreState } from "./state";

type TakeIn = Extract<Command, { type: "takeIn" }>;

/** So long seats are looked for, milliseconds; the other region holds theirs meanwhile and asks again afterwards. */
const ARRIVAL_MS = 20_000;

/**
 * Players of a region that is being drained: seats for all of them or for none, waiting in line where there is no room yet.
 * Asked again for players who are here by now, it answers with the seats that they have.
 */
export function takeIn(s: CoreState, requestId: number, command: TakeIn): void {
  const fleet = s.fleets.get(command.experienceId);
  const why = whyNotIn(s, fleet, command);
  if (!fleet || why) return s.out.refuse(requestId, why ?? problem("unknownExperience", command.experienceId));
  const here = command.players.flatMap(({ playerId }) => fleet.players.get(playerId) ?? []);
  if (here.length > 0) return answerHere(s, requestId, here);
  const group = openArrival(s, fleet, command);
  letWait(s, group, { requestId, answer: "takeIn", session: null, untilMs: Infinity, existing: false });
  place(s, group);
}

function whyNotIn(s: CoreState, fleet: Fleet | undefined, command: TakeIn): CoreProblem | null {
  const { experienceId, version, mods, match, players } = command;
  if (!fleet?.config)
    return problem(
      "unknownExperience",
      `experience "${experienceId}" is not in this region; it has ${experienceNames(s)}`,
    );
  const bad = badPlayers(players.map(({ playerId }) => playerId));
  if (bad !== null || players.length === 0) return problem("invalid", bad ?? "players is empty");
  if (s.draining) return problem("unavailable", `region ${s.settings.region} is being drained as well`);
  // With its own players: those of this one are not here, or they would have been answered.
  if (
    match &&
    s.matches.has(matchKey(experienceId, match.matchId)) &&
    !players.some((player) => fleet.players.has(player.playerId))
  )
    return problem("conflict", `match "${match.matchId}" is another one here, or has ended here`);
  if (version !== undefined && !hasVersion(fleet, version)) return noVersion(fleet, version);
  const unknown = unknownMods(fleet, mods);
  if (unknown.length > 0) return problem("unknownMod", `${experienceId} has no mod "${unknown.join('", "')}" here`);
  return null;
}

/** Those who are here already: the others of the party come with the next call, once these are known to be here. */
function answerHere(s: CoreState, requestId: number, here: readonly PlayerSession[]): void {
  const waiter = { requestId, answer: "takeIn" as const, session: null, untilMs: Infinity, existing: true };
  const seated = here.flatMap((session) =>
    hasSeat(session) && session.server ? [{ session, server: session.server }] : [],
  );
  const first = seated.find(({ server }) => s.usable(server.nodeId));
  // Those of one server only: without a fresh ticket nobody can come, and the others are asked for again.
  if (first) {
    const together = seated.filter(({ server }) => server === first.server).map(({ session }) => session);
    return letWait(s, refresh(s, together, first.server), waiter);
  }
  if (seated.length > 0)
    return s.out.refuse(requestId, problem("unavailable", "the node of their server is silent now"));
  const group = here.find((session) => session.group && session.group.kind !== "refresh")?.group;
  if (group) return letWait(s, group, waiter);
  s.out.refuse(requestId, problem("conflict", "these players have neither seats nor a wait here; ask again"));
}

function openArrival(s: CoreState, fleet: Fleet, { fromRegion, version, mods, match, players }: TakeIn): Group {
  const matchId = match?.matchId ?? null;
  const sessions = players.map((player) => openArriving(s, fleet, player, { version, mods, matchId, fromRegion }));
  const group = newGroup({
    kind: match ? "match" : "join",
    experienceId: fleet.id,
    sessions,
    version,
    mods,
    matchId,
    sinceMs: s.nowMs,
    deadlineMs: s.nowMs + ARRIVAL_MS,
    labels: match?.labels,
    annotations: match?.annotations,
  });
  for (const session of sessions) session.group = group;
  if (matchId !== null)
    s.matches.set(matchKey(fleet.id, matchId), {
      experienceId: fleet.id,
      matchId,
      group,
      server: null,
      ended: false,
    });
  return group;
}

function openArriving(
  s: CoreState,
  fleet: Fleet,
  { playerId, party, latencies, connectedAtMs, sessionId, generation, moves, restore }: ArrivingPlayer,
  of: {
    readonly version: string | undefined;
    readonly mods: readonly string[];
    readonly matchId: string | null;
    readonly fromRegion: string;
  },
): PlayerSession {
  const { version, mods, matchId, fromRegion } = of;
  const session = openSession(s, fleet, {
    id: s.ids("session"),
    playerId,
    experienceId: fleet.id,
    party,
    connectedAtMs,
    version,
    mods,
    latencies,
    matchId,
  });
  // The higher generation wins wherever the player shows a ticket, also against the one of the region that is left.
  session.nextGeneration = generation + 1;
  session.moves = moves + 1;
  session.restore = restore ?? null;
  session.cameFrom = { region: fromRegion, sessionId };
  return session;
}
