/** A line may have so many bytes; of a longer one only its begin counts. */
export const MAX_LINE_BYTES = 1024;

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
// eslint-disable-next-line no-control-regex -- that is what colours are made of
const TERMINAL_COLOURS = /\u001b\[[0-9;?]*[A-Za-z]/g;

/** Cuts bytes into lines of text, wherever the pieces were cut. Keeps at most one line's begin. */
export class LogLines {
  #begin: Buffer = Buffer.alloc(0);

  /** @returns the lines that `chunk` ends, without their ends, without terminal colours */
  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      this.#keep(chunk.subarray(from, end));
      lines.push(this.#take());
      from = end + 1;
    }
    this.#keep(chunk.subarray(from));
    return lines;
  }

  /** The line that was begun, as its end will not come any more; undefined where there is none. */
  end(): string | undefined {
    return this.#begin.length === 0 ? undefined : this.#take();
  }

  #keep(piece: Buffer): void {
    const room = MAX_LINE_BYTES - this.#begin.length;
    // A copy, so that a few bytes do not keep the whole chunk.
    if (piece.length > 0 && room > 0) this.#begin = Buffer.concat([this.#begin, piece.subarray(0, room)]);
  }

  #take(): string {
    const { length } = this.#begin;
    const end = this.#begin[length - 1] === CARRIAGE_RETURN ? length - 1 : length;
    const text = this.#begin.toString("utf8", 0, end);
    this.#begin = Buffer.alloc(0);
    return text.includes("\u001b") ? text.replace(TERMINAL_COLOURS, "") : text;
  }
}
