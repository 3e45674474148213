import { settleDoubt } from "./doubt";
import type { GameServer } from "./game-server";
import { newGroup } from "./group";
import { matchKey } from "./placement";
import type { CoreState, MatchRecord } from "./state";

/** Which match has the whole server, as its agent tells; null: none. */
export function takeClaim(s: CoreState, server: GameServer, matchId: string | null): void {
  // Decided before the claim is taken over: one in doubt has no players, and is not to be waited for.
  settleDoubt(s, server, matchId);
  server.matchId = matchId;
  if (matchId === null || server.ending) return;
  const key = matchKey(server.experienceId, matchId);
  const match = s.matches.get(key);
  if (match) return keepOne(s, match, server);
  const group = newGroup({
    kind: "match",
    experienceId: server.experienceId,
    sessions: [...server.seats],
    matchId,
    sinceMs: s.nowMs,
    deadlineMs: s.nowMs,
  });
  s.matches.set(key, { experienceId: server.experienceId, matchId, group, server, ended: false });
}

/** Two servers say that they are claimed for one match: an earlier leader had moved its players, and the one they left goes. */
function keepOne(s: CoreState, match: MatchRecord, server: GameServer): void {
  const other = match.server;
  if (!s.leader || !other || other === server || other.matchId !== match.matchId) return;
  const left = [server, other].find(({ seats }) => seats.size === 0);
  if (!left) return;
  if (left === other) match.server = server;
  left.matchId = null;
  left.doubt = match.matchId;
  settleDoubt(s, left, match.matchId);
}
