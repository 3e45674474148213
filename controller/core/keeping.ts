import type { Fleet } from "./fleet";
import { hasMods } from "./fleet-index";
import type { GameServer } from "./game-server";
import type { Group } from "./group";
import type { CoreState } from "./state";
import { takesIn } from "./version-wish";
import { isCurrent } from "./versions";

/** So many players at least pass a party before a server is kept for it. */
const OVERTAKEN = 8;

/** The server kept for this group has room for all of it by now. */
export function roomKept(s: CoreState, group: Group): boolean {
  const { kept } = group;
  return (
    kept !== null &&
    s.usable(kept.nodeId) &&
    kept.maxPlayers - kept.countedHeld >= group.sessions.length &&
    kept.counted
  );
}

/** Counts those whom a placed group has overtaken. A party that has been overtaken often gets a server kept for it. */
export function overtake(s: CoreState, fleet: Fleet, group: Group): void {
  for (const head of fleet.line.headsBefore(group)) {
    const size = head.sessions.length;
    head.overtaken += group.sessions.length;
    if (head.overtaken < Math.max(OVERTAKEN, 2 * size) || head.kept || head.matchId !== null || fleet.keeps) continue;
    let best: GameServer | undefined;
    for (const pool of fleet.index.pools()) {
      if (pool.choice === "last") continue;
      const ofVersion =
        head.version === undefined ? isCurrent(fleet, pool.version) : takesIn(fleet, head.version, pool.version);
      const emptiest = ofVersion && hasMods(head.mods, pool.mods) ? pool.emptiest(1) : undefined;
      if (emptiest && emptiest.maxPlayers >= size && emptiest.countedFree > (best?.countedFree ?? 0)) best = emptiest;
    }
    if (!best) continue;
    head.kept = best;
    best.keptFor = head;
    fleet.keeps = head;
    s.reindex(best);
  }
}

/** Gives back the server that was kept for a group. */
export function letGo(s: CoreState, group: Group): void {
  const { kept } = group;
  if (!kept) return;
  group.kept = null;
  kept.keptFor = null;
  const fleet = s.fleet(group.experienceId);
  if (fleet.keeps === group) fleet.keeps = null;
  s.reindex(kept);
}
