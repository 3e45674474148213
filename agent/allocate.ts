import type { AllocateOrder } from "../protocol/allocation";
import { changed, meets, type CountTable } from "../protocol/count-rules";
import type { GameServer } from "./game-server";
import type { Refusal } from "./seats/refusal";

/** No seat of it waits for a player: there are none. */
const NO_LEASE_MS = 0;

export type Allocated = { readonly ok: true; readonly counts: () => CountTable } | Refusal;

/**
 * The whole server for one who names no players, in one step: claimed, labelled and counted, or nothing of it. What it
 * writes goes into the journal with one write. The same claim a second time changes nothing.
 */
export function allocate(server: GameServer, order: AllocateOrder): Allocated {
  const { matchId, from, labels, annotations, require, change } = order;
  if (server.book.state.claim?.matchId === matchId) return done(server);
  if (!meets(server.counts.counts, require))
    return { ok: false, code: "full", detail: "its counters and lists are not as asked any more" };
  if (from === "ready") {
    const claimed = server.seats.claim(matchId, [], NO_LEASE_MS);
    if (!claimed.ok) return claimed;
  } else {
    const problem = notAllocated(server);
    if (problem) return problem;
  }
  server.relabel(labels, annotations);
  recount(server, changed(server.counts.counts, change), change);
  return done(server);
}

function done({ counts }: GameServer): Allocated {
  return { ok: true, counts: () => ({ counters: counts.counts.counters, lists: counts.counts.lists }) };
}

function notAllocated({ book: { state } }: GameServer): Refusal | undefined {
  if (state.gone) return { ok: false, code: "gone", detail: `the server is gone: ${state.gone.reason}` };
  if (state.closed) return { ok: false, code: "closed", detail: "the server is closed and will stop" };
  if (!state.claim && !state.selfAllocated) return { ok: false, code: "notReady", detail: "nobody has this server" };
  return undefined;
}

/** What the book does not take, because all lists together would be too large, stays as it was. */
function recount({ counts }: GameServer, to: CountTable, { counters, lists }: AllocateOrder["change"]): void {
  for (const name of Object.keys(counters)) {
    const counter = to.counters[name];
    if (counter) counts.updateCounter(name, counter);
  }
  for (const name of Object.keys(lists)) {
    const list = to.lists[name];
    if (list) counts.updateList(name, list);
  }
}
