import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { ShiftPlan } from "../core/shift-plan";

export interface StoredShift {
  /** As it was read; whoever uses it checks it. */
  readonly plan: unknown;
  /** What has to be told to change it. */
  readonly revision: number;
}

/** Where a plan is kept. Both throw where it cannot be reached. */
export interface ShiftStore {
  read(): Promise<StoredShift | undefined>;
  /**
   * Writes where nobody has since `revision`; 0 where there was nothing.
   * @returns the new revision; undefined where somebody has
   */
  write(plan: ShiftPlan, revision: number): Promise<number | undefined>;
}

/** A file beside the controller's data, for regions with one controller: on the embedded engine. */
export class FileShiftStore implements ShiftStore {
  constructor(private readonly file: string) {}

  async read(): Promise<StoredShift | undefined> {
    let text: string;
    try {
      text = await readFile(this.file, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
    return JSON.parse(text) as StoredShift;
  }

  async write(plan: ShiftPlan, revision: number): Promise<number | undefined> {
    const now = (await this.read())?.revision ?? 0;
    if (now !== revision) return undefined;
    const stored: StoredShift = { plan, revision: revision + 1 };
    await mkdir(dirname(this.file), { recursive: true });
    // Renamed, so that a crash leaves the one or the other.
    await writeFile(`${this.file}.new`, `${JSON.stringify(stored)}\n`);
    await rename(`${this.file}.new`, this.file);
    return stored.revision;
  }
}
