import { readFileSync } from "node:fs";
import { App } from "cdktf";
import { loadConfig } from "./config/load";
import { ConfigError, describeProblems } from "./config/problem";
import { addRunStacks } from "./stacks";

/** What `cdktf` runs: stacks from the forge.toml that FORGE_CONFIG names, the one of this folder unless set. */
function main(): void {
  const file = process.env.FORGE_CONFIG || "forge.toml";
  const { config } = loadConfig({ file, env: process.env, readFile: (path) => readFileSync(path, "utf8") });
  const app = new App();
  addRunStacks(app, config);
  app.synth();
}

try {
  main();
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(describeProblems(error.problems, { file: error.file, color: process.stderr.isTTY }));
  process.exitCode = 1;
}
