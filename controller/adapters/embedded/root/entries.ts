import type { Clock } from "../../../../protocol/clock";
import {
  MAX_ENTRIES,
  type EntrySpec,
  type EntryView,
  type RootEventName,
  type RootProblem,
  type Spawned,
} from "../root-protocol";
import { Backoff } from "./backoff";
import { Entry, type EntryOutside } from "./entry";
import type { RunningTask } from "./running-task";
import type { SpawnPace } from "./spawn-pace";
import type { StateFiles } from "./state-files";
import type { Launcher } from "./task-process";

/** A request that root understands and does not follow. */
export class RootRefusal extends Error {
  constructor(readonly problem: RootProblem) {
    super(problem.message);
  }
}

export interface EntriesOutside {
  readonly clock: Clock;
  readonly pace: SpawnPace;
  readonly launcher: Launcher;
  readonly stateFiles: Pick<StateFiles, "save" | "remove">;
  tell(event: RootEventName, entry: EntryView): void;
  /** Looks for processes of these allocations that left their process group. */
  sweepAllocation(allocationId: string): void;
}

interface Program {
  readonly backoff: Backoff;
  startedAtMs: number;
  cancelRestart: () => void;
}

/** Everything that root runs or remembers, by id. The one place that says who holds a port or a volume. */
export class Entries {
  private readonly live = new Map<string, Entry>();
  private readonly programs = new Map<string, Program>();
  /** Entries of an earlier root process in the same run folder: ended with it. */
  private readonly past: Map<string, EntryView>;
  /** To be dropped as soon as nothing is left of them. */
  private readonly forgotten = new Set<string>();
  private closing = false;

  constructor(
    past: readonly EntryView[],
    private readonly outside: EntriesOutside,
  ) {
    this.past = new Map(past.map((view) => [view.id, view]));
  }

  /**
   * Takes an entry on. Its first process is started by the returned `start`, so that the answer can be written before;
   * where something on its way out still holds what it claims, once that is free.
   * @throws {RootRefusal} closing, full, claimed
   */
  add(spec: EntrySpec): { readonly spawned: Spawned; readonly start: () => void } {
    const known = this.live.get(spec.id)?.view() ?? this.past.get(spec.id);
    if (known !== undefined) return { spawned: { created: false, entry: known }, start: () => {} };
    if (this.closing) throw new RootRefusal({ code: "closing", message: "Forge is stopping; nothing new is started" });
    if (this.live.size + this.past.size >= MAX_ENTRIES) {
      const message = `${MAX_ENTRIES} entries are held; forget those that have ended`;
      throw new RootRefusal({ code: "full", message });
    }
    const before = this.endingHolders(spec);
    if (spec.restart === "always") {
      this.programs.set(spec.id, { backoff: new Backoff(), startedAtMs: 0, cancelRestart: () => {} });
    }
    const entry = this.newEntry(spec, 0);
    this.onEvent("added", entry);
    return { spawned: { created: true, entry: entry.view() }, start: () => void this.begin(entry, before) };
  }

  list(): EntryView[] {
    const live = [...this.live.values()].filter(({ spec }) => !this.forgotten.has(spec.id));
    return [...this.past.values(), ...live.map((entry) => entry.view())];
  }

  running(): RunningTask[] {
    return [...this.live.values()].flatMap((entry) => [...entry.running()]);
  }

  /** Stopping what is not there is no error: it is stopped. */
  stop(id: string, graceSecs: number): void {
    this.endRestarts(id);
    this.live.get(id)?.stop(graceSecs);
  }

  /** @throws {RootRefusal} unknownEntry */
  signal(id: string, signal: NodeJS.Signals): void {
    const entry = this.live.get(id);
    if (entry === undefined) throw new RootRefusal({ code: "unknownEntry", message: `nothing with the id ${id} runs` });
    entry.signal(signal);
  }

  /** Drops what has ended, or is about to; what still runs stays. */
  forget(id: string): void {
    const state = this.live.get(id)?.view().state;
    if (state === "ending") this.forgotten.add(id);
    if (state === "ended" || state === undefined) this.drop(id);
  }

  /** Nothing new from now on; stops all there is. */
  close(graceSecs: number): void {
    this.closing = true;
    for (const [id, entry] of this.live) this.stop(id, Math.min(graceSecs, entry.spec.stop.graceSecs));
  }

  get allEnded(): boolean {
    return [...this.live.values()].every((entry) => entry.view().state === "ended");
  }

  /** Those that hold what `spec` claims and are on their way out. @throws {RootRefusal} where a holder is to stay */
  private endingHolders(spec: EntrySpec): readonly Entry[] {
    return [...this.live.values()].filter((holder) => {
      const { id, state, claims } = holder.view();
      const claim = claims.find((held) => spec.claims.includes(held));
      if (claim === undefined) return false;
      if (state === "ending") return true;
      throw new RootRefusal({ code: "claimed", message: `${claim} is held by ${id}`, claim, holder: id });
    });
  }

  private newEntry(spec: EntrySpec, restarts: number): Entry {
    const { clock, pace, launcher } = this.outside;
    const outside: EntryOutside = { clock, pace, launcher, tell: (event, entry) => this.onEvent(event, entry) };
    const entry = new Entry(spec, outside, restarts);
    this.live.set(spec.id, entry);
    return entry;
  }

  private async begin(entry: Entry, before: readonly Entry[] = []): Promise<void> {
    await Promise.all(before.map((holder) => holder.released));
    const program = this.programs.get(entry.spec.id);
    if (program !== undefined) program.startedAtMs = this.outside.clock.now();
    await entry.start();
  }

  private onEvent(event: RootEventName, entry: Entry): void {
    this.save(entry);
    this.outside.tell(event, entry.view());
    if (event !== "released") return;
    const allocationId = entry.spec.tasks[0]?.env.FORGE_ALLOCATION_ID;
    if (allocationId !== undefined) this.outside.sweepAllocation(allocationId);
    if (this.forgotten.has(entry.spec.id)) this.drop(entry.spec.id);
    else this.restart(entry);
  }

  private endRestarts(id: string): void {
    this.programs.get(id)?.cancelRestart();
    this.programs.delete(id);
  }

  private drop(id: string): void {
    this.endRestarts(id);
    this.forgotten.delete(id);
    this.live.delete(id);
    this.past.delete(id);
    this.outside.stateFiles.remove(id);
  }

  private restart(entry: Entry): void {
    const { id } = entry.spec;
    const program = this.programs.get(id);
    if (program === undefined || this.closing) return;
    const { clock } = this.outside;
    const waitMs = program.backoff.next(clock.now() - program.startedAtMs);
    program.cancelRestart = clock.after(waitMs, () => {
      void this.begin(this.newEntry(entry.spec, entry.view().restarts + 1));
    });
  }

  /** Programs are not kept: whoever starts root starts them. */
  private save(entry: Entry): void {
    if (entry.spec.kind === "server") this.outside.stateFiles.save(entry.view());
  }
}
