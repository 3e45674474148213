import type { LocalExecProvisioner } from "cdktf";
import { escapeTemplate } from "../jobs/escape";

/** The program that does what no provider can: hosts of a region, bootstrap, secrets (`infra/`). */
export interface InfraProgram {
  /** Program and first arguments, absolute: `["/usr/bin/node", "/opt/forge/dist/infra.js"]`. */
  readonly command: readonly string[];
  /** The forge.toml: an absolute path. */
  readonly configFile: string;
}

/**
 * Runs it where Terraform runs, when the resource is created or, with `when`, destroyed. Its standard streams are
 * Terraform's: what it starts that is to outlive it closes them, or Terraform would wait for ever. What it says holds no
 * secret.
 */
export function infraCommand(
  { command, configFile }: InfraProgram,
  action: string,
  region: string,
  { options = [], when }: { readonly options?: readonly string[]; readonly when?: "destroy" } = {},
): LocalExecProvisioner {
  // The engine may have been chosen by an option: whoever destroys later must not have to know.
  const words = [...command, action, ...options, "--engine", "nomad", "--config", configFile, region];
  return { ...commandWords(words), ...(when === undefined ? {} : { when }) };
}

/** A program with its arguments. No shell is between: they are arguments, whatever characters a path has. */
export function commandWords(words: readonly string[]): LocalExecProvisioner {
  return {
    type: "local-exec",
    // Terraform appends the command to the interpreter as one more argument.
    interpreter: words.slice(0, -1).map(escapeTemplate),
    command: escapeTemplate(words.at(-1) ?? ""),
  };
}
