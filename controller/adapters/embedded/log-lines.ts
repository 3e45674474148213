import { watch } from "node:fs";
import { open, stat, type FileHandle } from "node:fs/promises";
import { StringDecoder } from "node:string_decoder";
import type { Clock } from "../../../protocol/clock";

export interface LogReading {
  /** Bytes before the end to start at, in `FILE.1` where the file has fewer; the line that this cuts is left out. */
  readonly tailBytes: number;
  readonly follow: boolean;
  readonly signal: AbortSignal | undefined;
  /** Whether whoever writes the file is done. */
  readonly hasEnded: () => boolean;
}

const PIECE_BYTES = 64 * 1024;
/** A longer line comes in pieces. */
const MAX_LINE_CHARS = 64 * 1024;
/** The file's own changes wake the reader; this is for systems that do not tell of them, and for the writer's end. */
const LOOK_EVERY_MS = 250;

/**
 * The lines of a log file, oldest first, without their line ends. A file that was cut because it grew too large is read
 * on in `FILE.1`, then from its new beginning.
 */
export async function* logLines(file: string, reading: LogReading, clock: Clock): AsyncGenerator<string> {
  const { signal, follow, hasEnded } = reading;
  const size = await sizeOf(file);
  // One byte more: a line that begins right there is whole.
  const wanted = reading.tailBytes + 1;
  const before = await sizeOf(`${file}.1`);
  const fromBefore = Math.min(before, Math.max(0, wanted - size));
  let at = Math.max(0, size - wanted);
  const lines = new LineCutter(at > 0 || (fromBefore > 0 && fromBefore < before));
  if (fromBefore > 0) yield* readLines(`${file}.1`, before - fromBefore, lines, signal);
  for (;;) {
    const wasLast = hasEnded();
    const length = await sizeOf(file);
    if (length < at) {
      yield* readLines(`${file}.1`, at, lines, signal);
      at = 0;
    }
    at = yield* readLines(file, at, lines, signal);
    if (signal?.aborted) return;
    if (!follow || wasLast) break;
    await changed(file, clock, signal);
    if (signal?.aborted) return;
  }
  yield* lines.rest();
}

async function* readLines(
  file: string,
  from: number,
  lines: LineCutter,
  signal: AbortSignal | undefined,
): AsyncGenerator<string, number> {
  let handle: FileHandle;
  try {
    handle = await open(file, "r");
  } catch {
    return from; // not there yet, or not any more
  }
  let at = from;
  try {
    const piece = Buffer.alloc(PIECE_BYTES);
    while (!signal?.aborted) {
      const { bytesRead } = await handle.read(piece, 0, PIECE_BYTES, at);
      if (bytesRead === 0) break;
      at += bytesRead;
      yield* lines.cut(piece.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
  return at;
}

class LineCutter {
  private readonly decoder = new StringDecoder("utf8");
  private held = "";

  /** @param skipping the first line is only an end */
  constructor(private skipping: boolean) {}

  *cut(piece: Buffer): Generator<string> {
    const parts = `${this.held}${this.decoder.write(piece)}`.split("\n");
    this.held = parts.pop() ?? "";
    for (const part of parts) yield* this.whole(part);
    if (this.held.length <= MAX_LINE_CHARS) return;
    yield* this.whole(this.held);
    this.held = "";
  }

  *rest(): Generator<string> {
    if (this.held !== "") yield* this.whole(this.held);
    this.held = "";
  }

  private *whole(line: string): Generator<string> {
    if (this.skipping) this.skipping = false;
    else yield line.endsWith("\r") ? line.slice(0, -1) : line;
  }
}

async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}

/** Resolves when the file changed, perhaps, or at the latest after a short while. */
function changed(file: string, clock: Clock, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watchQuietly(file, () => done());
    const cancel = clock.after(LOOK_EVERY_MS, () => done());
    const done = () => {
      watcher?.close();
      cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    signal?.addEventListener("abort", done);
  });
}

function watchQuietly(file: string, onChange: () => void): { close(): void } | undefined {
  try {
    const watcher = watch(file, onChange);
    watcher.on("error", onChange);
    return watcher;
  } catch {
    return undefined; // no file yet
  }
}
