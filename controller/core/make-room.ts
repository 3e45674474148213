import { thinnest } from "./defragment";
import { beginEnding } from "./drain";
import { leastOf, wholeServers, type Fleet } from "./fleet";
import { seatsHeld } from "./game-server";
import { priorityText, roomInRegion } from "./priority";
import type { ScalingBounds } from "./scaling";
import type { CoreState } from "./state";
import { emptyForAll } from "./versions";

/**
 * It has more than its share, and something stands empty that nobody has asked for: that is given up before who waits here is
 * put on it.
 */
export function isOverShare(fleet: Fleet): boolean {
  return fleet.over > 0 && emptyForAll(fleet) > fleet.wanted.size;
}

/**
 * What others have a right to they get also where servers of one that has more than its share never stand empty, because new
 * players come all the time: its thinnest runs out, one after the other; at once as many as experiences lack that have neither
 * their minimum nor a first server. They take nobody new; nobody is moved, and no match ends. Servers of one player or one
 * match become empty by themselves.
 */
export function makeRoom(s: CoreState, fleet: Fleet, { shared }: ScalingBounds): void {
  const shares = !wholeServers(fleet) && (fleet.config?.maxPlayers ?? 0) > 1;
  if (fleet.over <= 0 || !shares || shared === undefined || roomInRegion(s) > 0) return;
  const short = [...s.fleets.values()].filter((other) => other !== fleet && other.claim > other.servers.size);
  const missing = short.reduce((sum, other) => sum + missingOf(other), 0);
  const going = leaving(s);
  for (let left = Math.min(fleet.over, Math.max(missing, 1) - going); left > 0; left--) {
    const server = thinnest(s, fleet);
    if (!server) return;
    const reason = `${shared}; ${short.map(priorityText).join(", ")} waits for what it may have`;
    s.out.push({
      type: "record",
      record: s.records.make(s.nowMs, {
        kind: "scale",
        subject: fleet.id,
        outcome: `waits for the players of ${server.id}`,
        reasons: [`${String(seatsHeld(server))} players are on it, and nobody more is put there`, reason],
      }),
    });
    beginEnding(s, server, { kind: "makeRoom", moveAtMs: Infinity, force: false, moving: false, reason });
  }
}

/** So many servers it lacks of what everybody has before anybody has more. */
function missingOf(fleet: Fleet): number {
  if (!fleet.config) return 0;
  return Math.max(0, Math.min(fleet.claim, Math.max(1, leastOf(fleet))) - fleet.servers.size);
}

/** Servers on their way out, whose room is free once they are. */
function leaving(s: CoreState): number {
  let count = 0;
  for (const { servers } of s.fleets.values()) for (const { ending } of servers) if (ending !== null) count++;
  return count;
}
