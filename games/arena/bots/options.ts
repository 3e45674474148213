import { parseArgs } from "node:util";

export interface SwarmOptions {
  /** The controller asked first. */
  readonly url: string;
  readonly token: string;
  readonly count: number;
  readonly experience: string;
  readonly seed: number;
  /** Region to its controller's address; empty: asked of the controller. */
  readonly regions: Readonly<Record<string, string>>;
  /** One wave and then the end; undefined: waves until told to stop. */
  readonly durationMs: number | undefined;
}

export const USAGE = `usage: arena-bots --url URL --token TOKEN [--count N] [--experience NAME] [--seed N]
                  [--regions '{"NAME":"URL"}'] [--duration SECONDS]
The environment's FORGE_ADDR, FORGE_TOKEN and FORGE_REGIONS stand in for --url, --token and --regions.`;

/** @throws {Error} naming the option, what it was and what it may be */
export function readOptions(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): SwarmOptions {
  const names = ["url", "token", "count", "experience", "seed", "regions", "duration"] as const;
  const options = Object.fromEntries(names.map((name) => [name, { type: "string" as const }]));
  const { values } = parseArgs({ args: [...argv], options, strict: true, allowPositionals: false });
  const text = (name: (typeof names)[number], variable: string | undefined, fallback?: string): string => {
    const value = values[name] ?? (variable === undefined ? undefined : env[variable]) ?? fallback;
    if (typeof value !== "string" || value === "")
      throw new Error(`--${name} is missing${variable ? ` and ${variable} is not set` : ""}`);
    return value;
  };
  const duration =
    values["duration"] === undefined ? undefined : number("duration", text("duration", undefined), 1, 86_400);
  return {
    url: text("url", "FORGE_ADDR"),
    token: text("token", "FORGE_TOKEN"),
    count: number("count", text("count", undefined, "40"), 1, 5_000),
    experience: text("experience", undefined, "arena"),
    seed: number("seed", text("seed", undefined, "1"), 0, 2 ** 32 - 1),
    regions: regionUrls(text("regions", "FORGE_REGIONS", "{}")),
    durationMs: duration === undefined ? undefined : duration * 1000,
  };
}

function number(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new Error(`--${name} is "${text}": expected a whole number from ${least} to ${most}`);
  }
  return value;
}

function regionUrls(json: string): Record<string, string> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    value = undefined;
  }
  const entries =
    typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : undefined;
  if (!entries?.every((entry): entry is [string, string] => typeof entry[1] === "string" && URL.canParse(entry[1]))) {
    throw new Error(`--regions is "${json}": expected JSON such as {"us-east":"http://127.0.0.1:7700"}`);
  }
  return Object.fromEntries(entries);
}
