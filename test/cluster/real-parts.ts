import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { forgeCache } from "../../infra/programs";
import { findProgram } from "../skips";

/** Forge's cache: real programs and a Terraform provider mirror that somebody put there. */
export const CACHE = forgeCache(process.env, homedir());

/** On PATH, else in the cache. */
export function findPart(program: string): string | undefined {
  return findProgram(program, `${process.env["PATH"] ?? ""}${delimiter}${join(CACHE, "bin")}`);
}

/** The mirror's folder, where it has this provider at the version that the bindings pin. */
export function findProviderMirror(provider: string, version: string): string | undefined {
  const mirror = join(CACHE, "providers");
  return existsSync(join(mirror, "registry.terraform.io", "hashicorp", provider, version)) ? mirror : undefined;
}
