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
  /** States that are too large; the others are saved all the same. */
  readonly problems: readonly ForgeUsageError[];
}

/** Asks the savers for every state, sorts out those over the limits and cuts the rest into calls. */
export function collect(savers: Savers, playerIds: Iterable<string>): Collected {
  const problems: ForgeUsageError[] = [];
  const batches: Snapshot[] = [];
  const server = savers.server?.();
  if (server !== undefined) {
    const problem = tooLarge(undefined, server);
    if (problem) problems.push(problem);
    else batches.push({ server });
  }
  let players: Record<string, string> = {};
  let bytes = 0;
  for (const playerId of savers.player ? playerIds : []) {
    const state = savers.player?.(playerId);
    if (state === undefined) continue;
    const problem = tooLarge(playerId, state);
    if (problem) {
      problems.push(problem);
      continue;
    }
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

function tooLarge(playerId: string | undefined, state: string): ForgeUsageError | undefined {
  const limit = playerId === undefined ? MAX_SERVER_STATE_BYTES : MAX_PLAYER_STATE_BYTES;
  const bytes = Buffer.byteLength(state);
  if (bytes <= limit) return undefined;
  const owner = playerId === undefined ? "the server" : `player "${playerId}"`;
  return new ForgeUsageError(
    "snapshotTooLarge",
    `the state of ${owner} is ${bytes} bytes, the limit is ${limit}: save less, or keep it in a store of your own`,
  );
}
