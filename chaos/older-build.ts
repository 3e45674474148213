import { execFile } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const HOME = join(__dirname, "..");

/**
 * Builds Forge's programs as of a commit, with the libraries that are installed here.
 * @param folder for its sources; made where it is not there
 * @returns `folder`, with `dist/` in it
 * @throws {Error} where the commit is not there, or does not build
 */
export async function olderBuild(ref: string, folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const archive = join(folder, "sources.tar");
  await run("git", ["archive", "--output", archive, ref], { cwd: HOME });
  await run("tar", ["-xf", archive, "-C", folder]);
  symlinkSync(join(HOME, "node_modules"), join(folder, "node_modules"));
  await run(process.execPath, ["scripts/build.mjs"], { cwd: folder });
  return folder;
}
