/**
 * What clients and the arena's server say to each other over a WebSocket.
 *
 *     client                          server
 *       | join (ticket) ---------------> |
 *       | <--------- welcome | refused   |   text, JSON
 *       | input (direction), ping -----> |
 *       | <----------------- state 20 Hz |   binary; the first holds everything, the rest what changed
 *       | <---------------- pong, moved  |
 *       | leave -----------------------> |
 */

export type ClientMessage =
  | { readonly type: "join"; readonly ticket: string }
  /** Where to run: a direction of at most length 1; `seq` counts up. */
  | { readonly type: "input"; readonly seq: number; readonly dx: number; readonly dy: number }
  | { readonly type: "ping"; readonly n: number }
  | { readonly type: "leave" };

export type ServerMessage =
  | {
      readonly type: "welcome";
      readonly playerId: string;
      /** The number of the player's own figure in states. */
      readonly you: number;
      readonly tickHz: number;
      readonly score: number;
      readonly inputs: number;
      /** Set where the state came from another server: how old it was. */
      readonly restoredAgeMs: number | null;
    }
  | { readonly type: "refused"; readonly code: string; readonly detail: string }
  | { readonly type: "pong"; readonly n: number }
  /** The seat is elsewhere now (`final`), or will be soon: ask Forge where. */
  | { readonly type: "moved"; readonly final: boolean; readonly reason: string }
  | { readonly type: "error"; readonly code: string; readonly detail: string };

/** Close codes of the arena beside those of RFC 6455. */
export const CLOSE = { badMessage: 4000, moved: 4001, refused: 4003, idle: 4008, replaced: 4009 } as const;

/** The largest message a client may send, in bytes: a join with a long ticket fits. */
export const MAX_CLIENT_MESSAGE_BYTES = 4096;

/** Reads what a client sent; undefined for anything that is not exactly one of its messages. */
export function readClientMessage(text: string): ClientMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { type, ticket, seq, dx, dy, n } = value as Record<string, unknown>;
  switch (type) {
    case "input":
      return isCount(seq) && isShare(dx) && isShare(dy) ? { type, seq, dx, dy } : undefined;
    case "ping":
      return isCount(n) ? { type, n } : undefined;
    case "join":
      return typeof ticket === "string" && ticket.length <= 2048 ? { type, ticket } : undefined;
    case "leave":
      return { type };
    default:
      return undefined;
  }
}

function isShare(value: unknown): value is number {
  return typeof value === "number" && value >= -1 && value <= 1;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** What changed in one tick, or with `full` everything there is. */
export interface State {
  readonly full: boolean;
  readonly tick: number;
  /** Entity, x, y of each that moved or came, in one flat row. */
  readonly moved: readonly number[];
  /** Entity, score of each whose score changed. */
  readonly scores: readonly number[];
  /** Entities that are gone. */
  readonly gone: readonly number[];
}

const HEAD_BYTES = 11;

/** One buffer for everybody: byte full, u32 tick, three u16 counts, then the rows; little endian. */
export function encodeState(state: State): Buffer {
  const { moved, scores, gone } = state;
  const movers = moved.length / 3;
  const scorers = scores.length / 2;
  const buffer = Buffer.allocUnsafe(HEAD_BYTES + movers * 6 + scorers * 6 + gone.length * 2);
  buffer[0] = state.full ? 1 : 0;
  buffer.writeUInt32LE(state.tick >>> 0, 1);
  buffer.writeUInt16LE(movers, 5);
  buffer.writeUInt16LE(scorers, 7);
  buffer.writeUInt16LE(gone.length, 9);
  let at = HEAD_BYTES;
  for (const value of moved) at = buffer.writeUInt16LE(value, at);
  for (let i = 0; i < scores.length; i += 2) {
    at = buffer.writeUInt16LE(scores[i] ?? 0, at);
    at = buffer.writeUInt32LE(scores[i + 1] ?? 0, at);
  }
  for (const entity of gone) at = buffer.writeUInt16LE(entity, at);
  return buffer;
}

/** The inverse of `encodeState`; undefined where the bytes are no state. */
export function decodeState(buffer: Buffer): State | undefined {
  if (buffer.length < HEAD_BYTES || (buffer[0] ?? 2) > 1) return undefined;
  const movers = buffer.readUInt16LE(5);
  const scorers = buffer.readUInt16LE(7);
  const leavers = buffer.readUInt16LE(9);
  if (buffer.length !== HEAD_BYTES + movers * 6 + scorers * 6 + leavers * 2) return undefined;
  let at = HEAD_BYTES;
  const moved: number[] = [];
  for (let i = 0; i < movers * 3; i++, at += 2) moved.push(buffer.readUInt16LE(at));
  const scores: number[] = [];
  for (let i = 0; i < scorers; i++, at += 6) scores.push(buffer.readUInt16LE(at), buffer.readUInt32LE(at + 2));
  const gone: number[] = [];
  for (let i = 0; i < leavers; i++, at += 2) gone.push(buffer.readUInt16LE(at));
  return { full: buffer[0] === 1, tick: buffer.readUInt32LE(1), moved, scores, gone };
}
