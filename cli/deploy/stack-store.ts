import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const CLI_CONFIG = "terraform.rc";

const stateSchema = z.looseObject({ resources: z.array(z.unknown()).default([]) });

/**
 * `.forge/terraform` beside forge.toml: for each stack its state, and in `work` what was last synthesized of it. The stacks name that very file as their backend, so `cdktf` by hand uses the same state.
 */
export class StackStore {
  readonly path: string;

  /** @param folder of forge.toml */
  constructor(folder: string) {
    this.path = join(folder, ".forge", "terraform");
  }

  /** Where Terraform runs. Not beside the state: one that lies where it runs, Terraform would move to the backend. */
  folderOf(stack: string): string {
    return join(this.path, stack, "work");
  }

  /** Takes over what was synthesized, which Terraform is to work by. */
  put(stack: string, json: string): void {
    const folder = this.folderOf(stack);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, "cdk.tf.json"), json, { mode: 0o600 });
  }

  /** Whether the state holds anything, so that there is something to destroy. */
  isDeployed(stack: string): boolean {
    return (this.resources(stack) ?? 0) > 0;
  }

  /** Stacks that are deployed, in no order. */
  deployed(): readonly string[] {
    return this.stacks().filter((stack) => this.isDeployed(stack));
  }

  /** Takes a stack's folder away, unless its state holds something. */
  remove(stack: string): void {
    if (!this.isDeployed(stack)) rmSync(join(this.path, stack), { recursive: true, force: true });
  }

  /** Once nothing is deployed: takes away what lies there for deployed stacks. */
  clear(): void {
    rmSync(join(this.path, CLI_CONFIG), { force: true });
    for (const stack of this.stacks()) this.remove(stack);
  }

  /** For synthesis: apart from the stacks' folders, and from another command that runs meanwhile. */
  scratch(): { readonly path: string; remove(): void } {
    const path = join(this.path, `.synth-${process.pid}`);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
  }

  /**
   * A configuration of Terraform's command line that finds providers in a mirror on this machine first.
   * @param mirror folder `registry.terraform.io/NAMESPACE/NAME/VERSION/OS_ARCH`
   */
  writeCliConfig(mirror: string): string {
    const found = readdirSync(join(mirror, "registry.terraform.io"), { withFileTypes: true }).flatMap((namespace) =>
      namespace.isDirectory()
        ? readdirSync(join(mirror, "registry.terraform.io", namespace.name)).map(
            (name) => `registry.terraform.io/${namespace.name}/${name}`,
          )
        : [],
    );
    const file = join(this.path, CLI_CONFIG);
    const list = JSON.stringify(found);
    mkdirSync(this.path, { recursive: true, mode: 0o700 });
    writeFileSync(
      file,
      `provider_installation {
  filesystem_mirror {
    path    = ${JSON.stringify(mirror)}
    include = ${list}
  }
  direct {
    exclude = ${list}
  }
}
`,
    );
    return file;
  }

  private stacks(): readonly string[] {
    if (!existsSync(this.path)) return [];
    return readdirSync(this.path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
      .map(({ name }) => name);
  }

  /** How many resources its state holds; undefined where there is no state. */
  private resources(stack: string): number | undefined {
    const file = join(this.path, stack, "terraform.tfstate");
    let text: string;
    try {
      text = readFileSync(file, "utf8");
    } catch {
      return undefined;
    }
    if (text.trim() === "") return 0;
    try {
      return stateSchema.parse(JSON.parse(text)).resources.length;
    } catch {
      // Something is there that nobody can read: Terraform will say so, and it is not to be thrown away.
      return 1;
    }
  }
}
