import { readIfThere, type RegionFolder } from "./region-folder";

/** Systems that let Forge in by token. */
export type TokenOf = "nomad" | "consul" | "vault";

/** Name, in the region's `secrets/`, of the token that stacks and commands work with; one line, no newline at its end. */
export function tokenFile(system: TokenOf): string {
  return `${system}.token`;
}

/** The token; undefined before the bootstrap has made it. */
export function tokenOf(folder: RegionFolder, system: TokenOf): string | undefined {
  const text = readIfThere(folder.secret(tokenFile(system)))?.trim();
  return text === "" ? undefined : text;
}
