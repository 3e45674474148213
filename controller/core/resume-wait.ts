import type { CoreProblem } from "./decision";
import { newGroup } from "./group";
import { problem } from "./outbox";
import { giveUpAt, noRoom, whyNotNow } from "./placement";
import type { PlayerSession } from "./player-session";
import type { QueueClaim } from "./queue-claim";
import { fits, growable } from "./routing";
import { openSession } from "./sessions";
import type { CoreState } from "./state";
import { bound } from "./too-far";

/** Takes a wait up again that this controller does not know. Null where it waits now; otherwise why not. */
export function takeUp(s: CoreState, claim: QueueClaim): CoreProblem | null {
  const fleet = s.fleets.get(claim.experienceId);
  if (s.spent.has(claim.ticket))
    return problem("conflict", `${claim.ticket} does not wait any more: it was placed, or given up`);
  if (!fleet?.config) return problem("unknownExperience", `experience "${claim.experienceId}" is not in this region`);
  if (claim.deadlineMs <= s.nowMs)
    return problem("deadlineExceeded", `the wait of ${claim.ticket} is over since ${s.out.iso(claim.deadlineMs)}`, {
      retryAfterSecs: 5,
    });
  if (s.draining) return problem("unavailable", `region ${s.settings.region} is being drained`);
  // Whoever has a session by now was placed, or waits by another call.
  const members = claim.members.filter(
    ({ playerId, sessionId }) => !fleet.players.has(playerId) && !s.sessions.has(sessionId),
  );
  if (members.length === 0)
    return problem("conflict", `${claim.ticket} does not wait any more: its players have other sessions`);
  const sessions = members.map((member): PlayerSession => {
    const session = openSession(s, fleet, {
      id: member.sessionId,
      playerId: member.playerId,
      experienceId: fleet.id,
      party: claim.party,
      connectedAtMs: claim.sinceMs,
      version: claim.version,
      mods: claim.mods,
      latencies: member.latencies,
      matchId: claim.matchId,
    });
    // Followers of events heard of it from the leader before.
    session.announced = true;
    return session;
  });
  const { experienceId, version, mods, matchId, sinceMs, deadlineMs } = claim;
  const group = newGroup({ kind: "join", experienceId, sessions, version, mods, matchId, sinceMs, deadlineMs });
  group.ticket = claim.ticket;
  group.order = claim.order;
  // What it waited for with the leader before holds here: how far away it may play, and whether a new server helps it.
  bound(s, fleet, group);
  group.growable = growable(fleet, group);
  // Where one has room it is placed in a moment.
  group.reason =
    whyNotNow(s) ?? group.hindrance ?? (fits(fleet, group) ? "waits on, as its ticket says" : noRoom(group));
  for (const session of sessions) {
    session.group = group;
    session.reason = group.reason;
  }
  s.tickets.set(claim.ticket, group);
  giveUpAt(s, group);
  fleet.line.add(group);
  s.dirty.add(fleet);
  return null;
}
