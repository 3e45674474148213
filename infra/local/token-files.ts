import { join } from "node:path";
import { REGION_FILES } from "../../config/region-endpoints";
import { readIfThere, type RegionFolder } from "./region-folder";

/** Systems that let Forge in by token. */
export type TokenOf = "nomad" | "consul" | "vault";

const FILES = {
  nomad: REGION_FILES.nomadToken,
  consul: REGION_FILES.consulToken,
  vault: REGION_FILES.vaultToken,
} as const;

/** Path of the token that stacks and commands work with: one line, no newline at its end. */
export function tokenFile(folder: RegionFolder, system: TokenOf): string {
  return join(folder.path, FILES[system]);
}

/** The token; undefined before the bootstrap has made it. */
export function tokenOf(folder: RegionFolder, system: TokenOf): string | undefined {
  const text = readIfThere(tokenFile(folder, system))?.trim();
  return text === "" ? undefined : text;
}
