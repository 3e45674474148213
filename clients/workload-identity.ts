import { readFileSync } from "node:fs";
import { join } from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

/** The names of the identity blocks that Forge's jobs have beside the default one. */
export type IdentityName = "consul" | "vault";

/**
 * The file that Nomad writes a task's signed identity to, and writes again before it ends. Read it anew for each login.
 * @param name of the identity block; without one the default identity, Nomad's own token
 */
export function identityFile(env: Environment, name?: IdentityName): string {
  const folder = env["NOMAD_SECRETS_DIR"];
  if (folder === undefined || folder === "")
    throw new Error(
      "this program is no task of Nomad (NOMAD_SECRETS_DIR is not set): name the file of its identity as identityFile",
    );
  return join(folder, name === undefined ? "nomad_token" : `nomad_${name}.jwt`);
}

/** @throws {Error} naming the file and what the job needs to have it written */
export function readIdentity(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new Error(
      `there is no identity in ${file}: the job's task needs an identity block with file = true (${(error as Error).message})`,
      { cause: error },
    );
  }
  if (text === "") throw new Error(`the identity in ${file} is empty`);
  return text;
}

/** PEM as it is given, or from the file that is named. */
export function readCa(ca: string | undefined): string | undefined {
  return ca === undefined || ca.includes("-----BEGIN") ? ca : readFileSync(ca, "utf8");
}
