import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Runs a benchmark in a folder of its own, which goes with it. What it throws is printed, and the exit code is 1. */
export function runInFolder(run: (folder: string) => Promise<void>): void {
  // Short: there are sockets in it, and `forge bench` has put a folder of its own before it.
  const folder = mkdtempSync(join(tmpdir(), "fb-"));
  run(folder)
    .finally(() => rmSync(folder, { recursive: true, force: true }))
    .catch((error: unknown) => {
      console.error(error);
      process.exitCode = 1;
    });
}
