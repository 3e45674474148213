import { beginEnding, endBy, isKept } from "./drain";
import type { GameServer } from "./game-server";
import { isLeft } from "./kept-nodes";
import type { CoreState } from "./state";

/**
 * A server that is to be gone by some time, kept with the fleets for the next leader: its agent knows that it takes nobody any more,
 * but not when whoever is still on it has to be moved.
 */
export interface EndingRecord {
  readonly kind: "terminate" | "defragment";
  /** Milliseconds since 1970. */
  readonly moveAtMs: number;
  readonly reason: string;
}

export type EndingRecords = Readonly<Record<string, EndingRecord>>;

/** Consul takes 512 KiB for all that is kept; of more the rest ends with its players. */
const MOST = 500;
/** So long after its time a record of a server that nobody has found is kept, in milliseconds. */
const UNKNOWN_MS = 3_600_000;

/** Of the servers that this leader ends, and of those that it was told of and has not met. */
export function endingRecords(s: CoreState): EndingRecords {
  const records = new Map([...s.endingsBefore].filter(([serverId, record]) => mayTurnUp(s, serverId, record)));
  for (const { ending, endedAtMs, id } of s.servers.values()) {
    if (!ending || endedAtMs !== null || !isKept(ending)) continue;
    const { kind, moveAtMs, reason } = ending;
    records.set(id, { kind, moveAtMs, reason });
  }
  return Object.fromEntries([...records].slice(0, MOST));
}

function mayTurnUp(s: CoreState, serverId: string, { moveAtMs }: EndingRecord): boolean {
  return s.servers.get(serverId)?.endedAtMs === undefined && s.nowMs < moveAtMs + UNKNOWN_MS;
}

/** What the leaders before this one kept of servers that are to end. */
export function onEndingsRead(s: CoreState, records: EndingRecords): void {
  s.endingsBefore.clear();
  for (const [serverId, record] of Object.entries(records)) s.endingsBefore.set(serverId, record);
  if (s.deciding) for (const server of s.servers.values()) takeUpEnding(s, server);
}

/** Goes on with the end of a server as the leader before left it, closed by its agent or not. */
export function takeUpEnding(s: CoreState, server: GameServer): void {
  const record = s.endingsBefore.get(server.id);
  if (!record || !s.deciding) return;
  s.endingsBefore.delete(server.id);
  if (server.endedAtMs !== null || server.state === "unhealthy" || (server.ending && !isLeft(server))) return;
  const { kind, moveAtMs, reason } = record;
  const ending = { kind, moveAtMs, force: false, moving: false, reason };
  if (server.ending) endBy(s, server, ending);
  else beginEnding(s, server, ending);
}
