import { ForgeUsageError } from "../errors";

/** Bytes of UTF-8 that Forge keeps of one player. */
export const MAX_PLAYER_STATE_BYTES = 4 * 1024;
/** Bytes of UTF-8 that Forge keeps of one server. */
export const MAX_SERVER_STATE_BYTES = 256 * 1024;
/** Players' states of one call; a full server takes several. */
const MAX_BATCH_BYTES = 256 * 1024;

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
  const batches: Snapshot[] = [];
  const given = (playerId: string | undefined, saver: () => string | undefined): string | undefined => {
    const state = asked(playerId, saver);
    if (!(state instanceof ForgeUsageError)) return state;
    problems.push(state);
    return undefined;
  };
  const { server: serverSaver, player: playerSaver } = savers;
  const server = serverSaver && given(undefined, () => serverSaver());
  if (server !== undefined) batches.push({ server });
  let players: Record<string, string> = {};
  let bytes = 0;
  for (const playerId of playerSaver ? playerIds : []) {
    const state = given(playerId, () => playerSaver?.(playerId));
    if (state === undefined) continue;
    const size = Buffer.byteLength(state) + Buffer.byteLength(playerId);
    if (bytes + size > MAX_BATCH_BYTES) {
      batches.push({ players });
      players = {};
      bytes = 0;
    }
    players[playerId] = state;
    bytes += size;
  }
  if (bytes > 0) batches.push({ players });
  return { batches: joined(batches), problems };
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

/** The usual case, a small server state and one batch of players, is one call. */
function joined(batches: readonly Snapshot[]): readonly Snapshot[] {
  const [first, second, ...rest] = batches;
  if (first?.server === undefined || second === undefined) return batches;
  return [{ ...first, ...second }, ...rest];
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
