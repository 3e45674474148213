import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { ForgeConfig } from "../config/config";
import { loadConfig } from "../config/load";
import type { ConfigEnv, ConfigFlags } from "../config/resolve";

/** A forge.toml that was read: everything that stacks are made from. */
export interface ForgeRun {
  readonly config: ForgeConfig;
  /** The file's text. */
  readonly forgeToml: string;
  /** An absolute path. */
  readonly configFile: string;
}

/**
 * Reads the forge.toml of an app.
 * @param file from the working folder, or absolute
 * @throws {ConfigError} with all that is wrong in it
 */
export function readForgeToml(
  file = "forge.toml",
  { env = {}, flags = {} }: { readonly env?: ConfigEnv; readonly flags?: ConfigFlags } = {},
): ForgeRun {
  const configFile = resolve(file);
  const readFile = (path: string) => readFileSync(path, "utf8");
  const { config } = loadConfig({ file: configFile, env, flags, readFile });
  return { config, forgeToml: readFile(configFile), configFile };
}
