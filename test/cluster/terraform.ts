import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { findPart, findProviderMirror } from "./real-parts";

const run = promisify(execFile);
const terraform = findPart("terraform");
const mirrors = [
  findProviderMirror("nomad", "2.5.2"),
  findProviderMirror("consul", "2.22.1"),
  findProviderMirror("vault", "5.6.0"),
];

/** Terraform with the three providers that stacks are made for. */
export const TERRAFORM = {
  available: terraform !== undefined && mirrors.every((mirror) => mirror !== undefined),
  reason: "terraform, or a provider at its version in the mirror of Forge's cache, is missing",
};

/**
 * Runs Terraform in a stack's folder, with providers from the mirror only.
 *
 * @returns its exit code: 0, or with `-detailed-exitcode` 2 where there is something to change
 * @throws {Error} with what it said
 */
export async function runTerraform(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const rc = join(cwd, "terraform.rc");
  writeFileSync(rc, `provider_installation { filesystem_mirror { path = ${JSON.stringify(mirrors[0])} } }\n`);
  const all = { ...env, TF_CLI_CONFIG_FILE: rc, CHECKPOINT_DISABLE: "1", TF_IN_AUTOMATION: "1" };
  return run(terraform ?? "", [...args], { cwd, env: all, maxBuffer: 2 ** 24 }).then(
    () => 0,
    (error: { readonly code: number; readonly stdout: string; readonly stderr: string }) => {
      if (args.includes("-detailed-exitcode") && error.code === 2) return 2;
      throw new Error(`terraform ${args.join(" ")} in ${cwd}: ${error.stderr}${error.stdout.slice(-2000)}`);
    },
  );
}
