import { ForgeUsageError } from "../errors";

/** Bytes of UTF-8 that Forge keeps of one player. */
export const MAX_PLAYER_STATE_BYTES = 4 * 1024;
/** Bytes of UTF-8 that Forge keeps of one server. */
export const MAX_SERVER_STATE_BYTES = 256 * 1024;
/**
 * Bytes of JSON that the states of one call take; a full server takes several. With the names around them it stays within
 * the 512 KiB that every gate takes; a single state that needs more goes alone, which newer gates take.
 */
const MAX_BATCH_BYTES = 511 * 1024;

/** Called for each snapshot. A saver that gives undefined leaves what was saved before as it is. */
export interface Savers {
  readonly server?: () => string | undefined;
  readonly player?: (playerId: string) => string | undefined;
}

/** States to save: of the server, and of players by id. */
export interface Snapshot {
  readonly server?: string;
  readonly players?: Readonly<Record<string, string>>;
}

export interface Collected {
  /** Bodies to send, each within what one call may carry. */
  readonly batches: readonly Snapshot[];
  /** States that are too large, or that a saver could not give; the others are saved all the same. */
  readonly problems: readonly ForgeUsageError[];
}

/** Asks the savers for every state, sorts out those that cannot be saved and cuts the rest into calls. */
export function collect(savers: Savers, playerIds: Iterable<string>): Collected {
  const problems: ForgeUsageError[] = [];
  const given = (playerId: string | undefined, saver: () => string | undefined): string | undefined => {
    const state = asked(playerId, saver);
    if (!(state instanceof ForgeUsageError)) return state;
    problems.push(state);
    return undefined;
  };
  const { server: serverSaver, player: playerSaver } = savers;
  const server = serverSaver && given(undefined, () => serverSaver());
  const players: [string, string][] = [];
  for (const playerId of playerSaver ? playerIds : []) {
    const state = given(playerId, () => playerSaver?.(playerId));
    if (state !== undefined) players.push([playerId, state]);
  }
  return { batches: batchesOf(server, players), problems };
}

/** Cuts states into calls by what they take as JSON: escaped, a byte may be six. The usual case is one call. */
export function batchesOf(
  server: string | undefined,
  players: Iterable<readonly [playerId: string, state: string]>,
): readonly Snapshot[] {
  const batches: Snapshot[] = [];
  let batch: { server?: string; players?: Record<string, string> } = {};
  let bytes = Infinity;
  const withRoomFor = (more: number): typeof batch => {
    if (bytes + more > MAX_BATCH_BYTES) {
      batches.push((batch = {}));
      bytes = 0;
    }
    bytes += more;
    return batch;
  };
  if (server !== undefined) withRoomFor(jsonBytes(server)).server = server;
  for (const [playerId, state] of players) {
    const within = withRoomFor(jsonBytes(playerId) + jsonBytes(state) + 2);
    (within.players ??= {})[playerId] = state;
  }
  return batches;
}

function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text));
}

/** @throws {ForgeUsageError} for the first state over its limit */
export function checkSnapshot(snapshot: Snapshot): void {
  const problems = [
    snapshot.server === undefined ? undefined : tooLarge(undefined, snapshot.server),
    ...Object.entries(snapshot.players ?? {}).map(([playerId, state]) => tooLarge(playerId, state)),
  ];
  const problem = problems.find((entry) => entry !== undefined);
  if (problem) throw problem;
}

/** One saver's state, or why it cannot be saved: one player's must not cost all others theirs. */
function asked(playerId: string | undefined, saver: () => string | undefined): string | undefined | ForgeUsageError {
  let state: unknown;
  try {
    state = saver();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return new ForgeUsageError("saverFailed", `the saver threw for ${ownerOf(playerId)}: ${why}`, { cause: error });
  }
  if (state === undefined) return undefined;
  if (typeof state === "string") return tooLarge(playerId, state) ?? state;
  const kind = state === null ? "null" : typeof state;
  return new ForgeUsageError("saverFailed", `the saver gave ${kind} for ${ownerOf(playerId)}: give text, or undefined`);
}

function ownerOf(playerId: string | undefined): string {
  return playerId === undefined ? "the server" : `player "${playerId}"`;
}

function tooLarge(playerId: string | undefined, state: string): ForgeUsageError | undefined {
  const limit = playerId === undefined ? MAX_SERVER_STATE_BYTES : MAX_PLAYER_STATE_BYTES;
  const bytes = Buffer.byteLength(state);
  if (bytes <= limit) return undefined;
  return new ForgeUsageError(
    "snapshotTooLarge",
    `the state of ${ownerOf(playerId)} is ${bytes} bytes, the limit is ${limit}: save less, or keep it in a store of your own`,
  );
}
