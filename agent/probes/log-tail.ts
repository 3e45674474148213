import { statSync, type Stats } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import type { Clock } from "../../protocol/clock";
import { LogLines } from "./log-lines";

export interface LogTailOptions {
  /** Where it ends in `.N` and a file `.N+1` appears, that one continues it, as Nomad rotates. */
  readonly file: string;
  readonly clock: Clock;
  /** 0 to 1: spreads the looks at many files. */
  readonly random: () => number;
  /**
   * Lines in order. `old`: they were there when the tail first opened the file. Called also without lines, once, when
   * what is old has all been told.
   */
  readonly onLines: (lines: readonly string[], old: boolean) => void;
}

const LOOK_EVERY_MS = 250;
const CHUNK_BYTES = 64 * 1024;
/** Read at most so much of one file before others get a turn. */
const TURN_BYTES = 1024 * 1024;

/**
 * Follows a growing file by looking at its size: no watcher, which many systems bound in number. A file that was
 * replaced (rotated) is read to its end before the new one is begun; one that became shorter (copied and truncated) is
 * begun again. A file that does not exist yet is waited for.
 */
export class LogTail {
  readonly #ended: Promise<void>;
  #lines = new LogLines();
  #handle: FileHandle | undefined;
  #identity: Pick<Stats, "dev" | "ino"> | undefined;
  #offset = 0;
  /** Where the old lines end; undefined before the first file was opened and after they were told. */
  #oldUntil: number | undefined;
  #first = true;
  #file: string;
  /** Of the file before, with the beginning of a line that goes on in the next. */
  #carried: LogLines | undefined;
  #stopped = false;
  #wake = (): void => undefined;

  constructor(private readonly options: LogTailOptions) {
    this.#file = options.file;
    this.#ended = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    await this.#ended;
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stopped) {
        const more = await this.#turn();
        if (!more) await this.#pause();
      }
    } finally {
      await this.#close();
    }
  }

  /** @returns whether there is more to read at once */
  async #turn(): Promise<boolean> {
    const found = statOf(this.#file);
    if (this.#handle === undefined && !(await this.#open(found))) return false;
    const replaced = found !== undefined && this.#isOther(found);
    if (found !== undefined && !replaced) {
      if (found.size < this.#offset) this.#begin();
      if (found.size === this.#offset && this.#oldUntil === undefined) return this.#goOn();
    }
    const readAll = await this.#read();
    if (!readAll || !replaced) return !readAll;
    await this.#close();
    return true;
  }

  /**
   * Goes over to the file of the next number, where there is one. The last one is finished by then, so what it got since
   * is read first; a line may begin in one and end in the other.
   */
  async #goOn(): Promise<boolean> {
    const next = this.#file.replace(/\.(\d+)$/, (_, number: string) => `.${String(Number(number) + 1)}`);
    if (next === this.#file || statOf(next) === undefined || !(await this.#read())) return false;
    const handle = this.#handle;
    this.#handle = undefined;
    this.#file = next;
    this.#carried = this.#lines;
    await handle?.close().catch(() => undefined);
    return true;
  }

  async #open(found: Stats | undefined): Promise<boolean> {
    // Opening a pipe would wait for its writer.
    const handle = found?.isFile() === true ? await open(this.#file, "r").catch(() => undefined) : undefined;
    if (handle === undefined) return false;
    const { dev, ino, size } = await handle.stat();
    this.#handle = handle;
    this.#identity = { dev, ino };
    this.#begin();
    this.#lines = this.#carried ?? this.#lines;
    this.#carried = undefined;
    if (this.#first) this.#oldUntil = size;
    this.#first = false;
    return true;
  }

  /** @returns whether the file's end was reached */
  async #read(): Promise<boolean> {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (let read = 0; read < TURN_BYTES && !this.#stopped;) {
      const old = this.#oldUntil;
      const bytes = await this.#readInto(buffer, old === undefined ? CHUNK_BYTES : old - this.#offset);
      this.#offset += bytes;
      read += bytes;
      const lines = this.#lines.push(buffer.subarray(0, bytes));
      if (lines.length > 0) this.options.onLines(lines, old !== undefined);
      if (bytes > 0) continue;
      if (old === undefined) return true;
      this.#oldUntil = undefined;
      this.options.onLines([], true);
    }
    return false;
  }

  /** A file that cannot be read just now counts as at its end; the next turn tries again. */
  async #readInto(buffer: Buffer, length: number): Promise<number> {
    if (length <= 0) return 0;
    const reading = this.#handle?.read(buffer, 0, Math.min(length, buffer.length), this.#offset);
    return (await reading?.catch(() => undefined))?.bytesRead ?? 0;
  }

  #isOther({ dev, ino }: Stats): boolean {
    return this.#identity?.dev !== dev || this.#identity.ino !== ino;
  }

  #begin(): void {
    this.#offset = 0;
    this.#lines = new LogLines();
  }

  async #close(): Promise<void> {
    const last = this.#stopped ? undefined : this.#lines.end();
    if (last !== undefined) this.options.onLines([last], false);
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close().catch(() => undefined);
  }

  #pause(): Promise<void> {
    const { clock, random } = this.options;
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        resolve();
      };
      const cancel = clock.after(LOOK_EVERY_MS * (0.8 + random() * 0.4), done);
      this.#wake = done;
      if (this.#stopped) done();
    });
  }
}

function statOf(file: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
