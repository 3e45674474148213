import type { ServerState } from "./resources";

/**
 * The life of a game server. `suspect` is not a place of its own: whoever comes back is what it was before.
 *
 *     starting ──> ready <──> reserved ──> allocated ──> ready      (a match ended, or it said Ready again)
 *        │           │           │            │
 *        └───────────┴─────┬─────┴────────────┘
 *                          ├──> draining ──────┐    no new seats; ends when empty or at its deadline
 *                          ├──> unhealthy ─────┼──> terminated
 *                          └──> suspect ───────┘    (and back) its node is silent; nobody is moved
 */
export const MOVES: Readonly<Record<ServerState, readonly ServerState[]>> = {
  starting: ["ready", "reserved", "allocated", "draining", "suspect", "unhealthy", "terminated"],
  ready: ["reserved", "allocated", "draining", "suspect", "unhealthy", "terminated"],
  reserved: ["ready", "allocated", "draining", "suspect", "unhealthy", "terminated"],
  allocated: ["ready", "reserved", "draining", "suspect", "unhealthy", "terminated"],
  draining: ["suspect", "unhealthy", "terminated"],
  suspect: ["starting", "ready", "reserved", "allocated", "draining", "unhealthy", "terminated"],
  unhealthy: ["terminated"],
  terminated: [],
};

export class IllegalMoveError extends Error {
  constructor(
    readonly serverId: string,
    readonly from: ServerState,
    readonly to: ServerState,
  ) {
    super(
      `server ${serverId} cannot go from ${from} to ${to}; from ${from} it goes to ${MOVES[from].join(", ") || "nothing"}`,
    );
    this.name = "IllegalMoveError";
  }
}

export function canMove(from: ServerState, to: ServerState): boolean {
  return MOVES[from].includes(to);
}

/** @throws {IllegalMoveError} where the table has no such move. */
export function checkMove(serverId: string, from: ServerState, to: ServerState): void {
  if (!canMove(from, to)) throw new IllegalMoveError(serverId, from, to);
}

/** States in which a server can take players, where nothing else keeps it from that. */
export function takesPlayers(state: ServerState): boolean {
  return state === "ready" || state === "reserved" || state === "allocated";
}
