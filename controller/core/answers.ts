import type { CoreProblem } from "./decision";
import type { Group, Waiter } from "./group";
import { followView } from "./follow";
import { firstPort } from "./launch";
import { problem } from "./outbox";
import type { PlayerSession } from "./player-session";
import type { MatchAllocation } from "./resources";
import type { CoreState } from "./state";
import { placementView, publicAddress, queuedView, serverView } from "./views";
import type { GameServer } from "./game-server";

/** Lets a command wait for the group; `untilMs` is when a wait in the queue answers with its position. */
export function letWait(s: CoreState, group: Group, waiter: Waiter): void {
  group.waiters.push(waiter);
  if (waiter.answer !== "waitQueue") return;
  s.timers.at(waiter.untilMs, () => {
    const at = group.waiters.indexOf(waiter);
    if (at < 0) return;
    group.waiters.splice(at, 1);
    const session = waiter.session ?? group.sessions[0];
    if (session) s.out.reply(waiter.requestId, queuedView(s, s.fleet(group.experienceId), group, session));
  });
}

/** Everybody of the group has a seat on `server`. */
export function answerPlaced(s: CoreState, group: Group, server: GameServer): void {
  const seated = group.sessions.filter((session) => session.server === server);
  for (const waiter of group.waiters.splice(0)) {
    const session = waiter.session ?? seated[0];
    if (session?.server !== server) {
      s.out.refuse(
        waiter.requestId,
        problem("conflict", session ? `session ${session.id} has ended: ${session.reason}` : "the session has ended"),
      );
      continue;
    }
    switch (waiter.answer) {
      case "createSession":
      case "waitQueue": {
        // Players of one match who came by themselves are not given each other's tickets.
        const own = (other: PlayerSession): boolean =>
          group.kind === "refresh" || session.party.includes(other.playerId);
        const others = seated.filter((other) => other !== session && own(other));
        s.out.reply(waiter.requestId, placementView(s, session, server, waiter.existing, others));
        break;
      }
      case "routePlayers":
      case "takeIn":
        s.out.reply(
          waiter.requestId,
          seated.map((each) => placementView(s, each, server, waiter.existing, [])),
        );
        break;
      case "allocateMatch":
        s.out.reply(waiter.requestId, matchView(s, group, server, seated));
        break;
      case "followSession":
        s.out.reply(waiter.requestId, followView(s, session));
        break;
    }
  }
}

/** The group waits: who asked for a session is told its place in the queue, all others go on waiting. */
export function answerQueued(s: CoreState, group: Group): void {
  const fleet = s.fleet(group.experienceId);
  const asked = group.waiters.filter(({ answer }) => answer === "createSession");
  if (asked.length === 0) return;
  const others = group.waiters.filter(({ answer }) => answer !== "createSession");
  group.waiters.splice(0, group.waiters.length, ...others);
  for (const { requestId, session } of asked) {
    const of = session ?? group.sessions[0];
    if (of) s.out.reply(requestId, queuedView(s, fleet, group, of));
  }
}

export function answerRefused(s: CoreState, group: Group, problem: CoreProblem): void {
  for (const { requestId } of group.waiters.splice(0)) s.out.refuse(requestId, problem);
}

function matchView(s: CoreState, group: Group, server: GameServer, seated: readonly PlayerSession[]): MatchAllocation {
  const port = firstPort(server);
  return {
    server: serverView(s, server),
    connection: `${publicAddress(s, server) ?? ""}:${String(port ?? 0)}`,
    matchId: group.matchId ?? "",
    tickets: Object.fromEntries(seated.map(({ playerId, ticket }) => [playerId, ticket ?? ""])),
  };
}
