import { dirname, resolve } from "node:path";

/** The options that every command takes. */
export interface GlobalOptions {
  readonly config?: string | undefined;
  readonly json: boolean;
  readonly addr?: string | undefined;
  readonly token?: string | undefined;
  readonly region?: string | undefined;
}

/** Where the run of a command is looked for, from there upward: beside the forge.toml that was named, else here. */
export function folderOf({ config }: Pick<GlobalOptions, "config">, cwd: string): string {
  return config === undefined ? cwd : dirname(resolve(cwd, config));
}
