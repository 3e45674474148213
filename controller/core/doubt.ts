import { beginEnding } from "./drain";
import type { GameServer } from "./game-server";
import { takesPlayers } from "./lifecycle";
import type { CoreState } from "./state";

/**
 * It is known now which match a server is claimed for. If that is one that nobody was told of, nobody will ever come to
 * it, and a claim ends only with its match: the server goes, and another takes its place.
 */
export function settleDoubt(s: CoreState, server: GameServer, matchId: string | null): void {
  const { doubt } = server;
  server.doubt = null;
  const stale = doubt !== null && doubt === matchId && server.seats.size === 0 && server.matchId !== doubt;
  const closing = server.ending?.kind === "scaleDown" || server.ending?.kind === "rollout";
  // Where its node was silent it is suspect still when its agent tells of the claim.
  const state = server.beforeSuspect ?? server.state;
  if (stale && (server.ending === null || closing) && takesPlayers(state)) {
    const reason = `claimed for match ${doubt}, which was not told of it in time`;
    beginEnding(s, server, { kind: "terminate", moveAtMs: s.nowMs, force: false, moving: false, reason });
  }
  s.reindex(server);
}
