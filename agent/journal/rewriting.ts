import { frame, HEADING } from "./frames";
import type { JournalDisk } from "./journal-disk";
import { allocationKey, type JournalEntry } from "./journal-entry";

/** Entries that make up all of one thing: a server of the node, or what the agent knows beside its servers. */
export type JournalPart = readonly JournalEntry[];

/**
 * A journal's successor, written beside it a slice at a time while the journal goes on, so that nobody waits for the whole
 * of it. Each part is written as it is in the moment of its slice; what is recorded of it after that follows, and what is
 * recorded of a part that has not had its turn is in it by then. So the end of the last slice is the state of that moment,
 * whatever happened on the way.
 */
export class Rewriting {
  bytes = 0;
  private readonly parts: Iterator<JournalPart>;
  private readonly written = new Set<string>();
  private pending: Buffer[] = [HEADING];

  /** @param file open for writing, and empty */
  constructor(
    private readonly disk: JournalDisk,
    readonly file: number,
    everything: Iterable<JournalPart>,
  ) {
    this.parts = everything[Symbol.iterator]();
  }

  /** Something was recorded in the journal. */
  follow(entry: JournalEntry, framed: Buffer): void {
    if (this.written.has(partOf(entry))) this.pending.push(framed);
  }

  /**
   * Writes what followed, and parts until there are so many bytes. Nothing may be staged in the journal meanwhile.
   * @returns whether that was all
   */
  writeSome(sliceBytes: number): boolean {
    let size = this.pending.reduce((sum, { length }) => sum + length, 0);
    let done = false;
    while (!done && size < sliceBytes) {
      const next = this.parts.next();
      if (next.done === true) done = true;
      else size += this.add(next.value);
    }
    const slice = Buffer.concat(this.pending);
    writeAll(this.disk, this.file, slice, this.bytes);
    this.bytes += slice.length;
    this.pending = [];
    return done;
  }

  private add(part: JournalPart): number {
    const [first] = part;
    // A server that was to be forgotten, and then was not, comes by again.
    if (!first || this.written.has(partOf(first))) return 0;
    this.written.add(partOf(first));
    const frames = part.map((entry) => frame(JSON.stringify(entry)));
    this.pending.push(...frames);
    return frames.reduce((sum, { length }) => sum + length, 0);
  }
}

/** A write may take in only part of what it was given, as on a disk that fills up. */
export function writeAll(disk: JournalDisk, file: number, content: Buffer, at: number): void {
  for (let done = 0; done < content.length;) {
    done += disk.writeSync(file, content, done, content.length - done, at + done);
  }
}

function partOf(entry: JournalEntry): string {
  if (entry.kind === "epoch") return "";
  const { serverId, allocationId } = entry.kind === "expect" ? entry.server : entry;
  return allocationKey(serverId, allocationId);
}
