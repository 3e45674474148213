/**
 * Options for Node under a controller that is a process of its own. Thousands of seats a second fill V8's 16 MiB for
 * young objects some twenty times a second, and each time the calls that are under way are copied. Four times the room
 * saved 10 to 18 % of the controller's CPU at 5,000 seats a second (bench/seats.ts); it is taken only while it is used.
 */
export const CONTROLLER_NODE_OPTIONS: readonly string[] = ["--max-semi-space-size=64"];

/** The environment with these options after those that are there. */
export function withNodeOptions(
  env: Readonly<Record<string, string>>,
  options: readonly string[],
): Readonly<Record<string, string>> {
  const { NODE_OPTIONS: given = "" } = env;
  return { ...env, NODE_OPTIONS: [given, ...options].filter((option) => option !== "").join(" ") };
}
