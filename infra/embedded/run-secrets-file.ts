import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import { z } from "zod";

const secret = z.string().min(32);

/** The run's secrets, as docs/nomad-region.md has them: the same for every region of a forge.toml. */
const runSecretsSchema = z.object({
  /** Programs prove themselves to each other. */
  shared: secret,
  /** Seals tickets. */
  ticket: secret,
  /** Signs API tokens. */
  token: secret,
});

export type RunSecretsFile = Readonly<z.output<typeof runSecretsSchema>>;

/** Where they are kept beside forge.toml, for their owner alone. */
export function runSecretsFile(folder: string): string {
  return join(folder, ".forge", "secrets", "run.json");
}

/**
 * Reads them, or makes them where there are none. Of several that make them at once one wins, and all get the same.
 * @throws {Error} where the file is there and is something else; the message shows nothing of it
 */
export function runSecretsOf(folder: string): RunSecretsFile {
  const file = runSecretsFile(folder);
  const found = readRunSecrets(file);
  if (found !== undefined) return found;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const partial = `${file}.${randomBytes(6).toString("hex")}.partial`;
  const made = { shared: random(), ticket: random(), token: random() };
  try {
    writeFileSync(partial, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600, flag: "wx" });
    // A link, unlike a rename, never replaces what another process has just made.
    linkSync(partial, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(partial, { force: true });
  }
  return readRunSecrets(file) ?? made;
}

/** Undefined where there is none. @throws {Error} where it is something else */
export function readRunSecrets(file: string): RunSecretsFile | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return runSecretsSchema.parse(JSON.parse(text));
  } catch {
    throw new Error(`${file} does not hold the run's secrets: remove it, and deploy every region anew`);
  }
}

function random(): string {
  return randomBytes(32).toString("base64url");
}
