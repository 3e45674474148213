import { join } from "node:path";
import { App } from "cdktf";
import { engineOfEnv } from "./config/engine-name";
import { ConfigError, describeProblems } from "./config/problem";
import { addRunStacks, readForgeToml } from "./stacks";

/** What `cdktf` runs: stacks from the forge.toml that FORGE_CONFIG names, the one of this folder unless set. */
function main(): void {
  const flags = { engine: engineOfEnv(process.env) };
  const run = readForgeToml(process.env.FORGE_CONFIG || "forge.toml", { env: process.env, flags });
  const app = new App();
  addRunStacks(app, run, { forge: [process.execPath, join(__dirname, "cli", "bin", "forge.mjs")] });
  app.synth();
}

try {
  main();
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(describeProblems(error.problems, { file: error.file, color: process.stderr.isTTY }));
  process.exitCode = 1;
}
