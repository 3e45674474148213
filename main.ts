import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { App } from "cdktf";
import { engineOfEnv } from "./config/engine-name";
import { loadConfig } from "./config/load";
import { ConfigError, describeProblems } from "./config/problem";
import { addRunStacks } from "./stacks";

/** What `cdktf` runs: stacks from the forge.toml that FORGE_CONFIG names, the one of this folder unless set. */
function main(): void {
  const file = resolve(process.env.FORGE_CONFIG || "forge.toml");
  const { config } = loadConfig({
    file,
    env: process.env,
    flags: { engine: engineOfEnv(process.env) },
    readFile: (path) => readFileSync(path, "utf8"),
  });
  const app = new App();
  const forge = [process.execPath, join(__dirname, "cli", "bin", "forge.mjs")];
  addRunStacks(app, config, { configFile: file, folder: dirname(file), forge });
  app.synth();
}

try {
  main();
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(describeProblems(error.problems, { file: error.file, color: process.stderr.isTTY }));
  process.exitCode = 1;
}
