import { watch, type FSWatcher } from "node:fs";
import { basename, dirname } from "node:path";
import type { Clock } from "../protocol/clock";

/** Editors write a file in several steps; a change is looked at once it has been quiet for so long. */
const SETTLE_MS = 50;

/**
 * Calls back when a file's content may have changed. It watches the folder, since editors replace files rather than
 * write into them. The result ends it.
 */
export function watchFile(file: string, clock: Clock, onChange: () => void): () => void {
  let cancel: () => void = () => undefined;
  const watcher: FSWatcher = watch(dirname(file), { persistent: false }, (_event, name) => {
    if (name !== null && name !== basename(file)) return;
    cancel();
    cancel = clock.after(SETTLE_MS, onChange);
  });
  return () => {
    cancel();
    watcher.close();
  };
}
