import { mkdirSync, readFileSync, readdirSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { EntryView } from "../root-protocol";

/**
 * What root knows of its servers, one file each, for the root process after this one: should this one be killed, its
 * servers die with it, and the next can say so. Written behind the events and never read while root runs.
 */
export class StateFiles {
  private readonly latest = new Map<string, EntryView | undefined>();
  private writing = false;

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
    this.latest.set(view.id, view);
    void this.write();
  }

  remove(id: string): void {
    this.latest.set(id, undefined);
    void this.write();
  }

  private async write(): Promise<void> {
    if (this.writing) return;
    this.writing = true;
    for (const [id, view] of this.latest) {
      this.latest.delete(id);
      await this.writeOne(id, view).catch((error: Error) => this.warn(`state of ${id} not kept: ${error.message}`));
    }
    this.writing = false;
  }

  private async writeOne(id: string, view: EntryView | undefined): Promise<void> {
    const file = join(this.folder, `${id}.json`);
    if (view === undefined) return rm(file, { force: true });
    await writeFile(`${file}.partial`, JSON.stringify(view), { mode: 0o600 });
    await rename(`${file}.partial`, file);
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
