import type { Group } from "./group";
import type { PlayerSession } from "./player-session";

/**
 * A wait in the queue as its ticket carries it: enough to take it up again in its place where no controller remembers it, after
 * a change of leaders or a restart. The API seals it; what comes back here is what some leader of this region once said.
 */
export interface QueueClaim {
  readonly ticket: string;
  readonly experienceId: string;
  readonly version: string | undefined;
  readonly mods: readonly string[];
  /** Of an experience whose parties take whole servers. */
  readonly matchId: string | null;
  /** Its place in line: lower is earlier, comparable between controllers. */
  readonly order: number;
  readonly sinceMs: number;
  readonly deadlineMs: number;
  /** Everybody who came as one, also those who have left since; empty for one who came alone, and for a match of several parties. */
  readonly party: readonly string[];
  readonly members: readonly QueueMember[];
}

export interface QueueMember {
  readonly sessionId: string;
  readonly playerId: string;
  /** Milliseconds by region. */
  readonly latencies: Readonly<Record<string, number>>;
}

/** What the tickets of a waiting group carry. */
export function claimOf(group: Group): QueueClaim {
  const { ticket, experienceId, version, mods, whole, matchId, order, sinceMs, deadlineMs, sessions } = group;
  return {
    ticket: ticket ?? "",
    experienceId,
    version,
    mods,
    matchId: whole ? matchId : null,
    order,
    sinceMs,
    deadlineMs,
    party: partyOf(sessions),
    members: sessions.map(({ id: sessionId, playerId, latencies }) => ({ sessionId, playerId, latencies })),
  };
}

function partyOf([first, ...others]: readonly PlayerSession[]): readonly string[] {
  const party = first?.party ?? [];
  const one = others.every((other) => other.party.length > 0 && other.party[0] === party[0]);
  return one ? party : [];
}
