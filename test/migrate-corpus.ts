import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import type { SourceDisk } from "../migrate/reader/read-sources";

/** Manifests of other projects, where somebody put them beside the checkout; nothing of them is in it. */
export const CORPUS = ["../shared/corpus", "../../shared/corpus"]
  .map((path) => resolve(__dirname, "..", path))
  .find((path) => existsSync(path));

/** Every manifest of the corpus, as paths below it. */
export function corpusFiles(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.(ya?ml|json)$/.test(file))
    .sort();
}

/** The corpus as the reader's disk; paths are below it. */
export function corpusDisk(folder: string): SourceDisk {
  const at = (path: string): string => join(folder, path);
  return {
    stat(path) {
      const stat = statSync(at(path), { throwIfNoEntry: false });
      return stat === undefined ? undefined : { isDirectory: stat.isDirectory(), bytes: stat.size };
    },
    list: (path) => readdirSync(at(path)),
    read: (path) => readFileSync(at(path)),
    readInput: () => new Uint8Array(),
  };
}

export const CORPUS_MISSING = `no manifests in ${relative(resolve(__dirname, ".."), resolve(__dirname, "../../shared/corpus"))}`;
