import type { Fleet } from "./fleet";
import type { GameServer } from "./game-server";
import type { CoreState } from "./state";

/**
 * How a server's newest reservations ended: a player came, or nobody did before the lease was over. Players who cannot
 * connect to a server are seen here even where every probe succeeds.
 */
export interface Arrivals {
  /** A bit for each, the newest lowest: 1 where a player came. */
  bits: number;
  count: number;
}

/** So many of the newest count, and so many there must be before anything is said. */
const WINDOW = 20;
const LEAST = 10;
/** Where nothing shows that it is the server and not the players' side, one server of a fleet in so long fails by this. */
const ALONE_MS = 600_000;

export function noteArrival(arrivals: Arrivals, came: boolean): void {
  arrivals.bits = ((arrivals.bits << 1) | Number(came)) & ((1 << WINDOW) - 1);
  arrivals.count = Math.min(WINDOW, arrivals.count + 1);
}

/** 0 to 1; undefined while there are too few. */
export function joinedShare({ bits, count }: Arrivals): number | undefined {
  if (count < LEAST) return undefined;
  let came = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) came++;
  return came / count;
}

/**
 * Whether few joins speak against this server. Where those of all other servers of the fleet are as few, the cause is
 * elsewhere (a client that was released broken), and moving players about mends nothing.
 */
export function joinsBelieved(s: CoreState, server: GameServer): boolean {
  const fleet = s.fleet(server.experienceId);
  if (server.strain) return true;
  const { minJoined } = s.settings.health;
  if (minJoined === undefined) return false;
  const judged = othersJudged(fleet, server);
  if (judged.some((share) => share >= minJoined)) return true;
  if (judged.length > 0 || s.nowMs < fleet.joinsDoubtedMs + ALONE_MS) return false;
  if ((joinedShare(server.arrivals) ?? 1) < minJoined) fleet.joinsDoubtedMs = s.nowMs;
  return true;
}

function othersJudged(fleet: Fleet, server: GameServer): number[] {
  const shares: number[] = [];
  for (const other of fleet.servers) {
    const share = other === server ? undefined : joinedShare(other.arrivals);
    if (share !== undefined) shares.push(share);
  }
  return shares;
}
