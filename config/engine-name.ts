export type EngineName = "embedded" | "nomad";

/**
 * What FORGE_ENGINE says: every region is on this engine, whatever forge.toml has. For programs that a command starts and
 * that read the same file, and for `cdktf`.
 */
export function engineOfEnv(env: Readonly<Record<string, string | undefined>>): EngineName | undefined {
  const value = env["FORGE_ENGINE"];
  return value === "embedded" || value === "nomad" ? value : undefined;
}
