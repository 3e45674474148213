import type { GameServer } from "./game-server";
import type { CoreState } from "./state";

/** What a server that is on its way out waits for, for people; nothing of any other. */
export function endingFacts(s: CoreState, server: GameServer): readonly string[] {
  const { ending, endedAtMs, stopAskedAtMs, seats, nodeId, walkIns } = server;
  if (!ending || endedAtMs !== null) return [];
  if (stopAskedAtMs !== null) return [`it was told to stop at ${s.out.iso(stopAskedAtMs)}, and has its grace period`];
  const silent = s.usable(nodeId)
    ? []
    : ["its agent is not heard: until it is, nobody can be sure that nobody comes on"];
  const on = seats.size + walkIns;
  if (on === 0) return silent;
  if (s.nowMs >= ending.moveAtMs) return [...silent, ...waitingFor(server)];
  const until = ending.moveAtMs === Infinity ? "for as long as they play" : `until ${s.out.iso(ending.moveAtMs)}`;
  return [...silent, `${players(on)} on it may stay ${until}`];
}

/** Who is to be moved and cannot, and why not. */
function waitingFor({ seats, walkIns }: GameServer): readonly string[] {
  const byReason = new Map<string, number>();
  for (const { state, group } of seats) {
    const why = state === "migrating" && group ? group.reason : "";
    const key = why === "" ? "on the move" : `wait for a place elsewhere: ${why}`;
    byReason.set(key, (byReason.get(key) ?? 0) + 1);
  }
  const facts = [...byReason].map(([what, count]) => `${players(count)} on it: ${what}`);
  return walkIns > 0 ? [...facts, `${players(walkIns)} came without a seat, and nobody can move them`] : facts;
}

function players(count: number): string {
  return count === 1 ? "1 player" : `${String(count)} players`;
}
