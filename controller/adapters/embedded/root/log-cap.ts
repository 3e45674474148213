import { closeSync, fstatSync, ftruncateSync, openSync, readSync, statSync, writeSync } from "node:fs";
import { copyFile } from "node:fs/promises";

/** Bytes that a log file grows to before it starts anew. */
export const LOG_CAP_BYTES = 10 * 1024 * 1024;
const PIECE_BYTES = 64 * 1024;

/**
 * Keeps log files at `LOG_CAP_BYTES`: what is over moves to `FILE.1`, in place of what was there, and the file is cut to
 * nothing. The processes write straight into the file and go on doing so: they opened it for appending.
 */
export class LogCap {
  private readonly busy = new Set<string>();

  constructor(
    private readonly capBytes: number,
    private readonly warn: (message: string) => void,
  ) {}

  /** Looks at one file; resolves when it is within the cap, or could not be brought there. */
  async check(file: string): Promise<void> {
    if (this.busy.has(file) || sizeOf(file) <= this.capBytes) return;
    this.busy.add(file);
    try {
      await copyFile(file, `${file}.1`);
      moveRest(file);
    } catch (error) {
      this.warn(`${file} is over its cap and could not be cut: ${(error as Error).message}`);
    } finally {
      this.busy.delete(file);
    }
  }
}

/**
 * What was written during the copy, as close to the cut as can be: what a process writes between the last read and the
 * cut is lost. That is the price of letting it write into the file itself.
 */
function moveRest(file: string): void {
  const from = openSync(file, "r+");
  const to = openSync(`${file}.1`, "a");
  try {
    const piece = Buffer.alloc(PIECE_BYTES);
    let at = fstatSync(to).size;
    for (let read = readSync(from, piece, 0, PIECE_BYTES, at); read > 0;) {
      writeSync(to, piece, 0, read);
      at += read;
      read = readSync(from, piece, 0, PIECE_BYTES, at);
    }
    ftruncateSync(from, 0);
  } finally {
    closeSync(from);
    closeSync(to);
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
