import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { EngineName } from "../../config/engine-name";
import type { CliContext, Register } from "../context";
import { engineName } from "../deploy/engine-option";

interface RenderFlags {
  readonly out: string;
  readonly hcl: boolean;
  readonly engine?: EngineName;
}

export const register: Register = (command, context) => {
  command
    .option("--out <dir>", "folder for the files", "rendered")
    .option("--hcl", "Terraform's own language instead of its JSON", false)
    .option("--engine <engine>", "embedded or nomad, instead of what forge.toml says", engineName)
    .addHelpText(
      "after",
      "\nA folder for each stack, which plain Terraform or OpenTofu takes without CDKTF, and each job as a file for `nomad job run -json`." +
        "\nNo backend is written: name one of your own, and keep away from stacks that `forge deploy` has deployed.",
    )
    .action((flags: RenderFlags) => run(flags, context));
};

async function run({ out, hcl, engine }: RenderFlags, context: CliContext): Promise<void> {
  const { synthStacks } = await import("../deploy/synth-stacks");
  const { StackStore } = await import("../deploy/stack-store");
  const { renderStack } = await import("../render/render-stack");
  const { stacks } = await synthStacks(context, new StackStore(dirname(context.configFile)), engine);
  const folder = resolve(context.io.cwd, out);
  const files = [...stacks].flatMap(([id, json]) => renderStack(id, json, hcl ? "hcl" : "json"));
  for (const { path, text } of files) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  const paths = files.map(({ path }) => path);
  context.print({ out: folder, files: paths }, () => [`wrote ${paths.length} files below ${out}:`, ...paths]);
}
