import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { LoadedConfig } from "../../config/load";
import type { CliContext, Register } from "../context";
import { EXIT } from "../exit-code";
import { formatCount } from "../format";

export const register: Register = (command, context) => {
  command
    .command("check")
    .description("say everything that is wrong with a forge.toml")
    .argument("[file]", "the file (default: --config, else ./forge.toml)")
    .action((file: string | undefined) => check(file, context));
  command
    .command("show")
    .description("print what is in force: every default written out, and where each value comes from")
    .argument("[file]", "the file (default: --config, else ./forge.toml)")
    .action((file: string | undefined) => show(file, context));
  command.addHelpText("after", "\nExit code 2 where the file has problems.");
};

async function check(file: string | undefined, context: CliContext): Promise<void> {
  const { ConfigError } = await import("../../config/problem");
  const path = fileOf(file, context);
  try {
    const { config } = await load(path, context);
    const { regions, experiences } = config;
    const counts = { regions: regions.length, experiences: Object.keys(experiences).length };
    context.print({ ok: true, file: path, problems: [], ...counts }, () => {
      return `${path} is right: ${formatCount(counts.regions, "region")}, ${formatCount(counts.experiences, "experience")}`;
    });
  } catch (error) {
    // Here problems are the result, not a failure to get one.
    if (!(error instanceof ConfigError) || !context.options.json) throw error;
    context.print({ ok: false, file: path, problems: error.problems }, () => "");
    context.exitCode = EXIT.badInput;
  }
}

async function show(file: string | undefined, context: CliContext): Promise<void> {
  const { showConfig } = await import("../../config/show");
  const { config, sources } = await load(fileOf(file, context), context);
  context.print({ config, sources }, () => showConfig(config, sources).trimEnd());
}

async function load(file: string, { io }: CliContext): Promise<LoadedConfig> {
  const { loadConfig } = await import("../../config/load");
  return loadConfig({ file, env: io.env, readFile: (path) => readFileSync(path, "utf8") });
}

function fileOf(file: string | undefined, context: CliContext): string {
  return file === undefined ? context.configFile : resolve(context.io.cwd, file);
}
