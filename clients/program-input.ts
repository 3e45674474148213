/** The JSON that a program of Forge is told at its start, and where it came from, for errors. */
export interface ProgramInput {
  readonly text: string;
  readonly source: string;
}

export interface ProgramSurroundings {
  /** As in `process.argv`. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads a file, or with 0 the standard input. */
  readonly read: (file: string | 0) => string;
}

/**
 * What a program is told, from the first of: the file that its argument names, the JSON itself in
 * `FORGE_PROGRAM_CONFIG_JSON` (how its Nomad job tells it: Nomad fills in addresses and ports there), the file that
 * `FORGE_PROGRAM_CONFIG` names, the standard input, where it need not lie on a disk.
 */
export function programInput(
  program: "controller" | "agent" | "gate",
  { argv, env, read }: ProgramSurroundings,
): ProgramInput {
  const variable = `FORGE_${program.toUpperCase()}_CONFIG`;
  const text = env[`${variable}_JSON`];
  const file = argv[2] ?? (text === undefined ? env[variable] : undefined);
  if (file !== undefined) return { text: read(file), source: file };
  if (text !== undefined) return { text, source: `${variable}_JSON` };
  return { text: read(0), source: "the standard input" };
}
