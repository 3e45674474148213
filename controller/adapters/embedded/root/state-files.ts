import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { EntryView } from "../root-protocol";

/**
 * What root knows of its servers, one file each, for the root process after this one: should this one be killed, its
 * servers die with it, and the next can say so. Written before an order is answered (no fsync: only root's own death
 * matters here), and never read while root runs.
 */
export class StateFiles {
  /** @param folder made if missing, 0700: records hold the servers' tokens */
  constructor(
    private readonly folder: string,
    private readonly warn: (message: string) => void,
  ) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /** Servers of the root process before this one. Those it saw running died with it. */
  load(nowMs: number): EntryView[] {
    return readdirSync(this.folder)
      .filter((name) => name.endsWith(".json"))
      .flatMap((name) => this.read(name))
      .map((view) => lost(view, nowMs));
  }

  save(view: EntryView): void {
    const file = this.fileOf(view.id);
    try {
      writeFileSync(`${file}.partial`, JSON.stringify(view), { mode: 0o600 });
      renameSync(`${file}.partial`, file);
    } catch (error) {
      this.warn(`${file} cannot be written: ${(error as Error).message}`);
    }
  }

  remove(id: string): void {
    rmSync(this.fileOf(id), { force: true });
  }

  private fileOf(id: string): string {
    return join(this.folder, `${id}.json`);
  }

  private read(name: string): EntryView[] {
    try {
      return [JSON.parse(readFileSync(join(this.folder, name), "utf8")) as EntryView];
    } catch (error) {
      this.warn(`${join(this.folder, name)} cannot be read and is left out: ${(error as Error).message}`);
      return [];
    }
  }
}

function lost(view: EntryView, nowMs: number): EntryView {
  const task = view.tasks[0]?.name ?? "";
  const killed = {
    task,
    exitCode: null,
    signal: "SIGKILL",
    oom: false,
    requested: false,
    atMs: nowMs,
    spawnError: null,
  };
  return { ...view, state: "ended", claims: [], exit: view.exit ?? killed };
}
