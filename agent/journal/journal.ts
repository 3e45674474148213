import { join } from "node:path";
import { frame, HEADING, JournalDamaged, scan } from "./frames";
import { lockFolder, type FolderLock } from "./folder-lock";
import type { JournalDisk } from "./journal-disk";
import type { JournalEntry } from "./journal-entry";
import { type JournalPart, Rewriting, writeAll } from "./rewriting";

const FILE = "seats.journal";
const FRESH = "seats.journal.new";

/** When a journal is written anew, and how. */
export interface JournalLimits {
  /** Once it has grown by so much, and by more than what a rewrite would leave. */
  readonly compactAfterBytes: number;
  /** At once. */
  readonly sliceBytes: number;
}

/** A slice takes a millisecond or two. */
const LIMITS: JournalLimits = { compactAfterBytes: 16 * 1024 * 1024, sliceBytes: 128 * 1024 };

/** The journal could not be written; none of what was to be committed is in it. */
export class JournalWriteError extends Error {
  constructor(path: string, cause: unknown) {
    super(`journal ${path} could not be written: ${(cause as Error).message}`);
    this.name = "JournalWriteError";
  }
}

/** The journal cannot be read to its end, so what it granted is unknown. */
export class JournalUnreadable extends Error {
  constructor(path: string, place: number, bytes: number, why: string) {
    super(
      `journal ${path} is damaged at byte ${place} of ${bytes}: ${why}. Seats granted after that place are unknown, so ` +
        `nothing is granted. Stop this node's game servers, move the file away and start the agent again`,
    );
    this.name = "JournalUnreadable";
  }
}

export interface OpenedJournal {
  readonly journal: Journal;
  /** Everything that it held, oldest first. */
  readonly entries: readonly JournalEntry[];
  /** Bytes of a record that a killed agent did not finish; they were cut off. */
  readonly tornBytes: number;
}

/**
 * Locks the folder and reads the journal in it.
 * @throws {FolderLocked} where another agent has it
 * @throws {JournalUnreadable} where it is damaged
 */
export async function openJournal(
  folder: string,
  disk: JournalDisk,
  hold: typeof lockFolder = lockFolder,
  limits: JournalLimits = LIMITS,
): Promise<OpenedJournal> {
  disk.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lock = await hold(folder);
  try {
    return read(folder, disk, lock, limits);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/**
 * An append-only file of everything the agent decided, written before anyone is told.
 *
 * Records are staged and then committed in one synchronous write. It is not flushed to the disk itself: the file has to
 * survive the agent, not the machine. When the machine goes, its game servers go with it and their seats are settled
 * elsewhere; what the kernel has taken in outlives any end of this process.
 */
export class Journal {
  private staged: { readonly entry: JournalEntry; readonly framed: Buffer }[] = [];
  private compactAtBytes: number;
  private rewriting: Rewriting | undefined;
  /** Set where a failed write may have left bytes that could not be taken back yet. */
  private dirtyEnd = false;

  constructor(
    private readonly folder: string,
    private readonly disk: JournalDisk,
    private readonly lock: FolderLock,
    private file: number,
    private bytes: number,
    private readonly limits: JournalLimits,
  ) {
    this.compactAtBytes = bytes + limits.compactAfterBytes;
  }

  append(entry: JournalEntry): void {
    this.staged.push({ entry, framed: frame(JSON.stringify(entry)) });
  }

  get hasStaged(): boolean {
    return this.staged.length > 0;
  }

  /**
   * Writes what was appended since the last commit. All of it is in the file when this returns.
   * @throws {JournalWriteError} and then none of it is: the caller must take its effects back
   */
  commit(): void {
    if (this.staged.length === 0) return;
    const { staged } = this;
    const batch = Buffer.concat(staged.map(({ framed }) => framed));
    this.staged = [];
    try {
      this.cleanEnd();
      this.dirtyEnd = true;
      writeAll(this.disk, this.file, batch, this.bytes);
      this.dirtyEnd = false;
      this.bytes += batch.length;
    } catch (error) {
      this.tryCleanEnd();
      throw new JournalWriteError(join(this.folder, FILE), error);
    }
    if (this.rewriting) for (const { entry, framed } of staged) this.rewriting.follow(entry, framed);
  }

  /** Whether it has grown enough to be written anew, or is being so. */
  get shouldCompact(): boolean {
    return this.rewriting !== undefined || this.bytes >= this.compactAtBytes;
  }

  /**
   * Goes on replacing the file by one that holds `everything` alone: written beside it, a slice with each call, and
   * renamed with the last, so that there is always a whole one. Not to be called while anything is staged.
   *
   * @param everything all there is to know, a part for each server; read on with each call, as things are by then
   * @returns whether it is done. Where it cannot be written, the old file stays in use.
   * @throws {JournalWriteError} and nothing has changed
   */
  compactSome(everything: () => Iterable<JournalPart>): boolean {
    const fresh = join(this.folder, FRESH);
    try {
      this.rewriting ??= new Rewriting(this.disk, this.disk.openSync(fresh, "w+", 0o600), everything());
      if (!this.rewriting.writeSome(this.limits.sliceBytes)) return false;
      this.disk.renameSync(fresh, join(this.folder, FILE));
    } catch (error) {
      // Not at once again: a full disk does not get better by being asked with each grant.
      this.compactAtBytes = this.bytes + this.limits.compactAfterBytes;
      this.dropRewriting();
      throw new JournalWriteError(fresh, error);
    }
    const { file: before, rewriting } = this;
    const { file, bytes } = rewriting;
    this.rewriting = undefined;
    this.file = file;
    this.bytes = bytes;
    this.dirtyEnd = false;
    this.compactAtBytes = bytes + Math.max(this.limits.compactAfterBytes, bytes);
    this.disk.closeSync(before);
    return true;
  }

  /** Ends the use of the folder; what is staged is dropped. */
  async close(): Promise<void> {
    this.staged = [];
    this.compactAtBytes = Infinity;
    this.dropRewriting();
    this.disk.closeSync(this.file);
    await this.lock.release();
  }

  private dropRewriting(): void {
    const { rewriting } = this;
    if (!rewriting) return;
    this.rewriting = undefined;
    this.disk.closeSync(rewriting.file);
    this.disk.rmSync(join(this.folder, FRESH), { force: true });
  }

  private cleanEnd(): void {
    if (!this.dirtyEnd) return;
    this.disk.ftruncateSync(this.file, this.bytes);
    this.dirtyEnd = false;
  }

  private tryCleanEnd(): void {
    try {
      this.cleanEnd();
    } catch {
      // The next commit tries again before it writes; until then a replay cuts the incomplete end off.
    }
  }
}

function read(folder: string, disk: JournalDisk, lock: FolderLock, limits: JournalLimits): OpenedJournal {
  const path = join(folder, FILE);
  // Left by an agent that was killed while it compacted; the file itself is still the old one.
  disk.rmSync(join(folder, FRESH), { force: true });
  const file = openFile(disk, path);
  try {
    const content = disk.readFileSync(path);
    const { payloads, wholeBytes } = scanned(path, content);
    if (wholeBytes < content.length) disk.ftruncateSync(file, wholeBytes);
    if (wholeBytes === 0) writeAll(disk, file, HEADING, 0);
    const entries = payloads.map((payload) => JSON.parse(payload.toString("utf8")) as JournalEntry);
    const journal = new Journal(folder, disk, lock, file, Math.max(wholeBytes, HEADING.length), limits);
    return { journal, entries, tornBytes: content.length - wholeBytes };
  } catch (error) {
    disk.closeSync(file);
    throw error;
  }
}

/** For reading and writing, made where it is not there: `r+` alone refuses that and `a+` would ignore positions. */
function openFile(disk: JournalDisk, path: string): number {
  try {
    return disk.openSync(path, "r+");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return disk.openSync(path, "w+", 0o600);
  }
}

function scanned(path: string, content: Buffer): ReturnType<typeof scan> {
  try {
    return scan(content);
  } catch (error) {
    if (error instanceof JournalDamaged) throw new JournalUnreadable(path, error.place, content.length, error.message);
    throw error;
  }
}
