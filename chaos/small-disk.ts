import { execFile } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const SIZE = "24m";
const BLOCK_BYTES = 64 * 1024;
const FILLER = "filler";

/** A file system of its own, of memory (24 MiB unless told), that can be filled up to its last byte. */
export class SmallDisk {
  private constructor(readonly folder: string) {}

  /** @param size as `mount` takes it @throws {Error} where it may not */
  static async mount(folder: string, size = SIZE): Promise<SmallDisk> {
    mkdirSync(folder, { recursive: true });
    await promisify(execFile)("mount", ["-t", "tmpfs", "-o", `size=${size},mode=0700`, "tmpfs", folder]);
    return new SmallDisk(folder);
  }

  fill(): void {
    const file = openSync(join(this.folder, FILLER), "a");
    try {
      for (let bytes = BLOCK_BYTES; bytes >= 1;) {
        try {
          writeSync(file, Buffer.alloc(bytes));
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
          bytes = Math.floor(bytes / 2);
        }
      }
    } finally {
      closeSync(file);
    }
  }

  free(): void {
    rmSync(join(this.folder, FILLER), { force: true });
  }
}
