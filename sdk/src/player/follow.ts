import type { ApiConnection } from "../api-connection";
import { ForgeApiError, ForgeUnreachableError } from "../errors";
import type { Endpoint, Follow, Session } from "../resources";
import type { Timing } from "../timing";

/** Where a player plays: connect to the server and show it the ticket. */
export interface Place {
  readonly session: Session;
  readonly server: Endpoint;
  readonly ticket: string;
}

export interface FollowOptions {
  /** The server said that the seat is elsewhere: an answer that it is still where it was is not taken. */
  readonly moved?: boolean;
  /** How long to go on asking, in milliseconds; 30,000. */
  readonly forMs?: number;
  readonly signal?: AbortSignal;
}

export type FollowOutcome =
  /** The seat is on another server: connect there. */
  | { readonly kind: "moved"; readonly place: Place }
  /** The seat is where it was: only the connection broke. Connect again with the ticket given here. */
  | { readonly kind: "same"; readonly place: Place }
  /** The session is over, and this is why. */
  | { readonly kind: "ended"; readonly reason: string; readonly session: Session | undefined }
  /** Nobody could say in time. */
  | { readonly kind: "unknown"; readonly reason: string };

const LONG_POLL_SECS = 25;
/** A broken connection is more often the player's own than the server's end: ask shortly first. */
const FIRST_POLL_SECS = 2;
/** After a move many ask at once; they spread over so many milliseconds. */
const SPREAD_MS = 150;
/** A controller that has just started learns of sessions from the nodes; until then it may not know this one. */
const REBUILD_MS = 5_000;

/** Asks where a session's seat is until someone can say, the session is over, or the time is. */
export async function followSession(
  api: ApiConnection,
  timing: Timing,
  place: Place,
  options: FollowOptions,
): Promise<FollowOutcome> {
  const { moved = false, forMs = 30_000, signal } = options;
  const beganAt = timing.now();
  const pause = (leastMs: number): Promise<void> => timing.sleep(leastMs + timing.random() * leastMs, signal);
  await timing.sleep(timing.random() * SPREAD_MS, signal);
  let lastProblem = "the seat did not move in time";
  for (let asked = 0; ; asked++) {
    const now = timing.now();
    const leftMs = beganAt + forMs - now;
    if (leftMs <= 0) return { kind: "unknown", reason: lastProblem };
    const waitSecs = Math.min(asked === 0 && !moved ? FIRST_POLL_SECS : LONG_POLL_SECS, Math.ceil(leftMs / 1000));
    try {
      const outcome = judge(place, await ask(api, place, waitSecs, leftMs, signal), moved);
      if (outcome) return outcome;
    } catch (error) {
      if (isGone(error) && now >= beganAt + REBUILD_MS)
        return { kind: "ended", reason: error.detail, session: undefined };
      if (!isGone(error) && !isPassing(error)) throw error;
      lastProblem = error.message;
    }
    // Also an answer that came before its time must not make a loop without a pause.
    await pause(150);
  }
}

async function ask(
  api: ApiConnection,
  { session, ticket }: Place,
  waitSecs: number,
  retryForMs: number,
  signal: AbortSignal | undefined,
): Promise<Follow> {
  const path = `/v1/sessions/${encodeURIComponent(session.id)}?wait=${waitSecs}`;
  const answer = await api.call({
    method: "GET",
    path,
    authorization: `Ticket ${ticket}`,
    waitSecs,
    retryForMs,
    signal,
  });
  return answer.body as Follow;
}

function judge(before: Place, { session, server, ticket }: Follow, moved: boolean): FollowOutcome | undefined {
  if (session.state === "ended") return { kind: "ended", reason: session.reason, session };
  if (server === null || session.state === "migrating" || session.state === "queued") return undefined;
  // In another region it is another session, whose generation may be any. With the same, two leaders have moved it.
  const { id, generation } = before.session;
  const elsewhere = session.generation === generation && server.id !== before.server.id;
  if (session.id !== id || session.generation > generation || elsewhere) {
    return ticket === null ? undefined : { kind: "moved", place: { session, server, ticket } };
  }
  // A fresh ticket where there is one: the old may have run out while the player sat.
  return moved ? undefined : { kind: "same", place: { session, server, ticket: ticket ?? before.ticket } };
}

/** Whether nobody knows the session any more. */
export function isGone(error: unknown): error is ForgeApiError {
  return error instanceof ForgeApiError && (error.status === 404 || error.status === 410);
}

function isPassing(error: unknown): error is Error {
  if (error instanceof ForgeUnreachableError) return true;
  return error instanceof ForgeApiError && (error.passing || error.status >= 500);
}
