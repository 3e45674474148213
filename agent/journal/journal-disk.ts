import type * as fs from "node:fs";

/** As much of `node:fs` as the journal needs. */
export type JournalDisk = Pick<
  typeof fs,
  "closeSync" | "ftruncateSync" | "mkdirSync" | "openSync" | "readFileSync" | "renameSync" | "rmSync" | "writeSync"
>;
