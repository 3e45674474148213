import type { Journal } from "./journal/journal";
import type { JournalEntry } from "./journal/journal-entry";
import type { JournalPart } from "./journal/rewriting";
import type { Checkpoint, SeatState } from "./seats/seat-state";

/** As much of a logger as is needed. */
export interface AgentLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

interface Effect {
  readonly done: () => void;
  readonly failed: (error: Error) => void;
}

/**
 * Between deciding and telling: what was decided in one turn of the event loop is journaled in one write, and only then
 * told. Where the write fails, everything that it held is taken back, as if nobody had asked.
 */
export class Ledger {
  private effects: Effect[] = [];
  private touched = new Map<object, Checkpoint>();
  private scheduled = false;
  /** Between two slices of the journal that is written anew. */
  private resting = false;

  /**
   * @param everything what a compacted journal is to hold
   * @param soon calls once the present turn's messages have all been handled
   * @param later calls when others have had their turn: for what has time
   */
  constructor(
    private readonly journal: Journal,
    private readonly everything: () => Iterable<JournalPart>,
    private readonly log: AgentLog,
    private readonly soon: (run: () => void) => void,
    private readonly later: (run: () => void) => void,
  ) {}

  /** Stages an entry; `state`, about to be changed by it, goes back to what it is now if the write fails. */
  record(entry: JournalEntry, state?: SeatState): void {
    if (state && !this.touched.has(state)) this.touched.set(state, state.checkpoint());
    this.journal.append(entry);
    this.schedule();
  }

  /** Stages an entry; `undo` is called if the write fails. */
  recordOr(entry: JournalEntry, undo: () => void): void {
    this.touched.set({}, { keep: () => undefined, takeBack: undo });
    this.journal.append(entry);
    this.schedule();
  }

  /**
   * Calls `done` once everything recorded until now is in the journal, in the order of these calls; at once where
   * nothing waits. If the write failed, `failed` instead.
   */
  then(done: () => void, failed: (error: Error) => void = () => undefined): void {
    if (this.effects.length === 0 && !this.journal.hasStaged) done();
    else this.effects.push({ done, failed });
  }

  /** Writes now what waits. */
  flush(): void {
    const effects = this.effects;
    const touched = [...this.touched.values()];
    this.effects = [];
    // Not cleared: the tables of a Map that is filled and cleared for long keep each other from being collected.
    this.touched = new Map();
    try {
      this.journal.commit();
    } catch (error) {
      for (const checkpoint of touched.reverse()) checkpoint.takeBack();
      this.log.error({ error: String(error) }, "the journal could not be written; what it was to hold was refused");
      for (const effect of effects) effect.failed(error as Error);
      return;
    }
    for (const checkpoint of touched) checkpoint.keep();
    for (const effect of effects) effect.done();
    if (this.journal.shouldCompact && !this.journal.hasStaged) this.compact();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.soon(() => {
      this.scheduled = false;
      this.flush();
    });
  }

  /** Writes the next slice, also where nothing is recorded until then. */
  private goOn(): void {
    if (this.resting) return;
    this.resting = true;
    this.later(() => {
      this.resting = false;
      this.schedule();
    });
  }

  private compact(): void {
    try {
      if (!this.journal.compactSome(this.everything)) this.goOn();
    } catch (error) {
      this.log.warn({ error: String(error) }, "the journal was not compacted; it goes on growing");
    }
  }
}
