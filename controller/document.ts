import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

export interface Stored {
  /** As it was read; whoever uses it checks it. */
  readonly value: unknown;
  /** What has to be told to change it. */
  readonly revision: number;
}

/** A JSON value that leaders hand on to each other. Both calls throw where it cannot be reached. */
export interface SharedDocument<T> {
  /** For people: where it lies. */
  readonly place: string;
  read(): Promise<Stored | undefined>;
  /**
   * Writes where nobody has since `revision`; 0 where there was nothing.
   * @returns the new revision; undefined where somebody has
   */
  write(value: T, revision: number): Promise<number | undefined>;
}

/** A file beside the controller's data, for regions with one controller: on the embedded engine. */
export class FileDocument<T> implements SharedDocument<T> {
  constructor(readonly place: string) {}

  async read(): Promise<Stored | undefined> {
    let text: string;
    try {
      text = await readFile(this.place, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
    const { value, plan, revision } = JSON.parse(text) as Stored & { readonly plan?: unknown };
    // Shifts were written under the name of `plan` before.
    return { value: value ?? plan, revision };
  }

  async write(value: T, revision: number): Promise<number | undefined> {
    const now = (await this.read())?.revision ?? 0;
    if (now !== revision) return undefined;
    const stored: Stored = { value, revision: revision + 1 };
    await mkdir(dirname(this.place), { recursive: true });
    // Renamed, so that a crash leaves the one or the other.
    await writeFile(`${this.place}.new`, `${JSON.stringify(stored)}\n`);
    await rename(`${this.place}.new`, this.place);
    return stored.revision;
  }
}
