import * as fs from "node:fs";
import { openJournal } from "../agent/journal/journal";
import { SeatState } from "../agent/seats/seat-state";

export interface JournaledSeats {
  /** By server: the sessions that hold a seat at the journal's end. */
  readonly held: ReadonlyMap<string, readonly string[]>;
  /** The most that any server ever had at once, over its limit; 0 or less where none had. */
  readonly maxOver: number;
}

/** What agents that have ended promised, by their journals alone: the last word on who has which seat. */
export async function journaledSeats(journalDirs: readonly string[]): Promise<JournaledSeats> {
  const held = new Map<string, readonly string[]>();
  let maxOver = -Infinity;
  for (const folder of journalDirs) {
    const { journal, entries } = await openJournal(folder, fs);
    const servers = new Map<string, { readonly limit: number; readonly state: SeatState }>();
    for (const entry of entries) {
      if (entry.kind === "expect" && !servers.has(entry.server.serverId))
        servers.set(entry.server.serverId, { limit: entry.server.maxPlayers, state: new SeatState() });
      if (entry.kind !== "seats") continue;
      const server = servers.get(entry.serverId);
      if (!server) throw new Error(`${folder}: seats of server ${entry.serverId}, which was never expected`);
      server.state.apply(entry.record);
      maxOver = Math.max(maxOver, server.state.seats.size - server.limit);
    }
    for (const [serverId, { state }] of servers) held.set(serverId, [...state.seats.keys()]);
    await journal.close();
  }
  return { held, maxOver };
}
