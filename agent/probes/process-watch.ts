import type { Clock } from "../../protocol/clock";
import type { ProcessTable } from "../stats/process-table";

export interface ProcessWatchDeps {
  readonly clock: Clock;
  readonly processes: Pick<ProcessTable, "exists" | "started">;
}

const LOOK_EVERY_MS = 250;
/** Whether a pid is in use is asked at each look; whose it is, of each process at every so many looks. */
const IDENTITY_EVERY = 8;

interface Watched {
  readonly pids: readonly { readonly name: string; readonly pid: number; readonly started: string }[];
  readonly onGone: (reason: string) => void;
  /** Spreads the dearer question over the looks. */
  readonly turn: number;
}

/** Watches the processes of all servers of a node with one timer: a look at a thousand of them takes about a millisecond. */
export class ProcessWatch {
  readonly #watched = new Set<Watched>();
  #looks = 0;
  #turns = 0;
  #cancel: (() => void) | undefined;

  constructor(private readonly deps: ProcessWatchDeps) {}

  /**
   * Calls `onGone` once, when any of the processes has ended; in a later turn also where one is not there now. A pid that
   * meanwhile names another process counts as ended.
   *
   * @param pids by the task that each runs; a pid below 1 is none
   * @returns stops watching
   */
  watch(pids: Readonly<Record<string, number>>, onGone: (reason: string) => void): () => void {
    const { processes } = this.deps;
    const named = Object.entries(pids).filter(([, pid]) => pid > 0);
    const known = named.map(([name, pid]) => ({ name, pid, started: processes.started(pid) ?? "" }));
    const watched: Watched = { pids: known, onGone, turn: this.#turns++ % IDENTITY_EVERY };
    this.#watched.add(watched);
    this.#cancel ??= this.#later();
    return () => this.#forget(watched);
  }

  #forget(watched: Watched): void {
    this.#watched.delete(watched);
    if (this.#watched.size > 0) return;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #later(): () => void {
    return this.deps.clock.after(LOOK_EVERY_MS, () => {
      this.#cancel = this.#later();
      this.#looks++;
      for (const watched of [...this.#watched]) this.#look(watched);
    });
  }

  #look(watched: Watched): void {
    const isTurn = this.#looks % IDENTITY_EVERY === watched.turn;
    const gone = watched.pids.find(({ pid, started }) => {
      return (
        started === "" || !this.deps.processes.exists(pid) || (isTurn && this.deps.processes.started(pid) !== started)
      );
    });
    if (gone === undefined) return;
    this.#forget(watched);
    watched.onGone(`process ${gone.pid} ("${gone.name}") is not there any more`);
  }
}
