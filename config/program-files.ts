import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Debian keeps dedicated servers here, and root's PATH leaves it out. */
export const GAME_FOLDERS: readonly string[] = ["/usr/games", "/usr/local/games"];

/** The folders that a PATH names, in its order. */
export function foldersOf(path: string): readonly string[] {
  return path.split(delimiter).filter((folder) => folder !== "");
}

/** The first program of that name in these folders; undefined where there is none. */
export function programIn(folders: readonly string[], name: string): string | undefined {
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** Whether it is a file that this process may run. */
export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
