#!/usr/bin/env node
/**
 * The `forge` command. A checkout builds what changed first; a published package brings dist/ with it.
 * The program then runs in this process, so signals, exit code and terminal are its own.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const program = join(root, "dist", "forge.js");

try {
  if (existsSync(join(root, "cli", "main.ts"))) {
    const { build } = await import("../../scripts/build.mjs");
    // To stderr: the command's own output may be read by a program.
    await build({ log: (line) => console.error(line) });
    process.setSourceMapsEnabled(true);
  }
} catch (error) {
  const missing = error.code === "ERR_MODULE_NOT_FOUND";
  console.error(missing ? `forge: ${error.message}\nRun \`npm ci\` in ${root} first.` : `forge: ${error.message}`);
  process.exit(1);
}

if (!existsSync(program)) {
  console.error(`forge: ${program} is missing. Run \`npm run build\` in ${root}, or install the package again.`);
  process.exit(1);
}
createRequire(import.meta.url)(program);
