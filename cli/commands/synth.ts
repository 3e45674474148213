import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { CliContext, Register } from "../context";
import { EXIT } from "../exit-code";
import { CliError } from "../failure";
import { formatMs } from "../format";

interface SynthOptions {
  readonly output: string;
}

/** Characters of its words that are kept for an error. */
const MAX_SAID = 64 * 1024;
const SPINNER = /^[\u2800-\u28ff]\s/;

export const register: Register = (command, context) => {
  command
    .option("--output <dir>", "folder for the Terraform JSON", "cdktf.out")
    .addHelpText(
      "after",
      "\nThe same as `npx cdktf synth`, with the forge.toml checked first. Nothing is changed anywhere but in that folder.",
    )
    .action((options: SynthOptions) => run(options, context));
};

async function run({ output }: SynthOptions, context: CliContext): Promise<void> {
  const { loadConfig } = await import("../../config/load");
  const { env, cwd, home } = context.io;
  const file = context.configFile;
  const { config } = loadConfig({ file, env, readFile: (path) => readFileSync(path, "utf8") });

  const folder = resolve(cwd, output);
  // The stacks are TypeScript that cdktf runs: a package of built programs has none.
  if (!existsSync(join(home, "cdktf.json"))) {
    throw new CliError(
      "noStacks",
      EXIT.failed,
      `there is no cdktf.json in ${home}`,
      "run `forge synth` of a checkout of Forge",
    );
  }
  const program = cdktfProgram([cwd, home]);
  const startedAtMs = context.io.now();
  context.note(`turning ${file} into Terraform JSON (about half a minute)`);
  const progress = setInterval(() => context.note(`  ${formatMs(context.io.now() - startedAtMs)} …`), 10_000);
  try {
    // The folder of cdktf.json is where cdktf works; forge.toml may be anywhere.
    await runCdktf(program, ["synth", "--output", folder], home, { ...env, FORGE_CONFIG: file });
  } finally {
    clearInterval(progress);
  }
  const tookMs = context.io.now() - startedAtMs;
  const regions = config.regions.map(({ name }) => name);
  context.print(
    { output: folder, regions, tookMs },
    () => `wrote ${output} for ${regions.join(", ")} in ${formatMs(tookMs)}`,
  );
}

/** cdktf-cli's own program, of the project or of Forge's checkout. */
function cdktfProgram(folders: readonly string[]): string {
  for (const folder of folders) {
    try {
      const manifest = createRequire(join(folder, "package.json")).resolve("cdktf-cli/package.json");
      const { bin } = JSON.parse(readFileSync(manifest, "utf8")) as { bin?: Record<string, string> };
      if (bin?.["cdktf"] !== undefined) return join(dirname(manifest), bin["cdktf"]);
    } catch {
      // Not there; the next folder may have it.
    }
  }
  const fix = "npm install --save-dev cdktf-cli@0.21.0 in this folder";
  throw new CliError("cdktfMissing", EXIT.failed, "the package cdktf-cli is not installed, and synth is its work", fix);
}

/** What it says is shown only where it fails: it draws its progress anew ten times a second. */
function runCdktf(program: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [program, ...args], {
      cwd,
      env: { ...env, CHECKPOINT_DISABLE: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    const keep = (text: string): void => void (said = (said + text).slice(-MAX_SAID));
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", keep);
    child.once("error", failed);
    child.once("close", (code, signal) => {
      if (code === 0) done();
      else failed(synthFailed(signal ?? `exit code ${code}`, said));
    });
  });
}

function synthFailed(how: string, said: string): CliError {
  const lines = stripVTControlCharacters(said).split("\n");
  const words = lines.map((line) => line.trimEnd()).filter((line) => line !== "" && !SPINNER.test(line));
  return new CliError("synthFailed", EXIT.failed, [`cdktf synth ended with ${how}:`, ...words.slice(-40)].join("\n"));
}
