import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { ForgeConfig } from "../../config/config";
import { engineOfEnv, type EngineName } from "../../config/engine-name";
import { loadConfig } from "../../config/load";
import type { CliContext } from "../context";
import { EXIT } from "../exit-code";
import { CliError } from "../failure";
import { parseStackId } from "./stack-names";
import type { StackStore } from "./stack-store";

const manifestSchema = z.looseObject({
  stacks: z.record(z.string(), z.looseObject({ synthesizedStackPath: z.string() })),
});

export interface Synthesized {
  readonly config: ForgeConfig;
  /** All stacks that forge.toml asks for and that a deploy takes: Terraform's JSON by the stack's id. */
  readonly stacks: ReadonlyMap<string, string>;
}

/** The forge.toml, with every region on the engine that was asked for, by option or by FORGE_ENGINE. */
export function readConfig({ configFile, io }: CliContext, engine?: EngineName): ForgeConfig {
  const flags = { engine: engine ?? engineOfEnv(io.env) };
  return loadConfig({ file: configFile, env: io.env, flags, readFile: (path) => readFileSync(path, "utf8") }).config;
}

/**
 * Turns forge.toml into Terraform's JSON in this process, as `cdktf synth` would.
 * @throws {CliError} where a stack cannot be made
 */
export async function synthStacks(
  context: CliContext,
  store: StackStore,
  engine: EngineName | undefined,
): Promise<Synthesized> {
  const config = readConfig(context, engine);
  const scratch = store.scratch();
  try {
    const { App } = await import("cdktf");
    const { addRunStacks } = await import("../../stacks");
    const app = new App({ outdir: scratch.path });
    const run = { config, forgeToml: readFileSync(context.configFile, "utf8"), configFile: context.configFile };
    addRunStacks(app, run, { forge: [process.execPath, join(context.io.home, "cli", "bin", "forge.mjs")] });
    app.synth();
    const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(scratch.path, "manifest.json"), "utf8")));
    const stacks = Object.entries(manifest.stacks)
      .filter(([id]) => isDeployed(id, config))
      .map(([id, { synthesizedStackPath: path }]) => [id, readFileSync(join(scratch.path, path), "utf8")] as const);
    return { config, stacks: new Map(stacks) };
  } catch (error) {
    if (error instanceof CliError || !(error instanceof Error)) throw error;
    throw new CliError("synthFailed", EXIT.failed, `the stacks cannot be made: ${error.message}`);
  } finally {
    scratch.remove();
  }
}

/** Of a region on the embedded engine the jobs are synthesized for reading; nobody there could take them. */
function isDeployed(id: string, config: ForgeConfig): boolean {
  const name = parseStackId(id);
  const region = config.regions.find((each) => each.name === name?.region);
  if (name === undefined || region === undefined) return false;
  return (region.engine === "embedded") === (name.part === "embedded");
}
