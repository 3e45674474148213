import { parse, TomlError } from "smol-toml";
import type { ForgeConfig } from "./config";
import { isUrl } from "./fields";
import { MAX_PORT_OFFSET, portOffsetOf } from "./local-ports";
import { locator, type Locate } from "./locate";
import { ConfigError, formatPath, type Path, type Problem } from "./problem";
import { layersOf, resolve, type ConfigEnv, type ConfigFlags, type Layers } from "./resolve";
import type { RuleFinding } from "./rule";
import { checkRules } from "./rules";
import { checkSchema } from "./schema-problems";
import type { Finding } from "./wording";
import { findSecrets } from "./secrets";
import { sourcesOf, type ConfigSources } from "./sources";

export interface LoadOptions {
  /** Path of the forge.toml, for reading and for messages. */
  readonly file: string;
  readonly env?: ConfigEnv | undefined;
  readonly flags?: ConfigFlags | undefined;
  /** Returns the file's text; throws where it cannot. */
  readonly readFile: (path: string) => string;
}

export interface LoadedConfig {
  readonly config: ForgeConfig;
  /** Where each value came from, by its path in the file's names. */
  readonly sources: ConfigSources;
}

/**
 * Reads a forge.toml: parses, checks everything, applies defaults, environment and flags.
 *
 * @throws {ConfigError} and nothing else, with all problems at once
 */
export function loadConfig({ file, env = {}, flags = {}, readFile }: LoadOptions): LoadedConfig {
  const text = readText(file, readFile);
  const document = parseToml(file, text);
  const layers = layersOf(flags, env);
  // One that is none is among the problems below.
  const portOffset = portOffsetOf(env.FORGE_PORT_OFFSET) ?? 0;
  const { toml, findings: ofSchema, removed } = checkSchema(document);
  const findings = [
    ...ofSchema,
    ...(toml === undefined ? [] : checkRules(toml, flags, portOffset).filter((found) => !rests(found, removed))),
  ];
  const problems = [
    ...locate(hideSecrets(document, findings), locator(text)),
    ...layerProblems(layers),
    ...offsetProblems(env),
  ];
  if (problems.length > 0 || toml === undefined) throw new ConfigError(file, inOrder(problems));
  const config = resolve(toml, flags, layers, portOffset);
  return { config, sources: sourcesOf({ config, document, layers, flags, portOffset, locate: locator(text) }) };
}

function readText(file: string, readFile: LoadOptions["readFile"]): string {
  try {
    return readFile(file);
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const problem = missing ? "the file does not exist" : `the file cannot be read: ${describe(error)}`;
    const fix = missing
      ? "write one with `forge init websocket`, or name another with --config FILE"
      : "check the path and its permissions";
    throw new ConfigError(file, [{ path: "", value: undefined, problem, fix }]);
  }
}

function parseToml(file: string, text: string): unknown {
  try {
    // A key like __proto__ has no meaning here and must not get one.
    return parse(text, { unsafeKeyBehaviour: "throw" });
  } catch (error) {
    const [first = "cannot be read"] = describe(error)
      .replace(/^Invalid TOML document: /, "")
      .split("\n");
    const place = error instanceof TomlError ? { line: error.line, column: error.column } : {};
    const problem = `is not TOML: ${first}`;
    const fix = "strings go in quotes, tables in [brackets], one key = value a line; see https://toml.io";
    throw new ConfigError(file, [{ path: "", value: undefined, problem, fix, ...place }]);
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A secret is one problem, whatever else is wrong with its key, and no problem shows it. */
function hideSecrets(document: unknown, findings: readonly Finding[]): readonly Finding[] {
  const secrets = findSecrets(document);
  const others = findings.filter(({ path }) => !secrets.some((secret) => startsWith(path, secret.path)));
  return [
    ...secrets,
    ...others.map((finding) =>
      secrets.some((secret) => startsWith(secret.path, finding.path)) ? { ...finding, value: "(hidden)" } : finding,
    ),
  ];
}

/** Whether a rule's finding rests on something that was taken out: then it may be no problem once that is right. */
function rests({ path, about = [] }: RuleFinding, removed: readonly Path[]): boolean {
  return removed.some(
    (gone) => startsWith(path, gone) || about.some((other) => startsWith(other, gone) || startsWith(gone, other)),
  );
}

function startsWith(path: Path, prefix: Path): boolean {
  return prefix.every((key, index) => path[index] === key);
}

function locate(findings: readonly Finding[], find: Locate): readonly Problem[] {
  return findings.map((finding) => ({ ...finding, path: formatPath(finding.path), ...find(finding.path) }));
}

function offsetProblems({ FORGE_PORT_OFFSET: value }: ConfigEnv): readonly Problem[] {
  if (portOffsetOf(value) !== undefined) return [];
  const fix = `write a whole number from 0 to ${MAX_PORT_OFFSET}: FORGE_PORT_OFFSET=1000`;
  return [{ path: "FORGE_PORT_OFFSET", value, problem: "is no number that ports can be moved by", fix }];
}

/** Addresses and namespaces from flags and environment are held to what the file's must be. */
function layerProblems(layers: Layers): readonly Problem[] {
  return Object.entries(layers).flatMap(([key, layer]: [string, Layers[keyof Layers]]) => {
    if (key.endsWith("CaFile")) return [];
    const isAddress = key.endsWith("Address");
    return [layer.flag, layer.env].flatMap((found) => {
      if (found === undefined || found.from.kind === "file") return [];
      if (isAddress ? isUrl(found.value) : /^[a-zA-Z0-9-]{1,128}$/.test(found.value)) return [];
      const problem = isAddress ? "is not an http or https address" : "is not a Nomad namespace";
      const fix = isAddress
        ? "write scheme, host and port: http://127.0.0.1:4646"
        : "use letters, digits and hyphens, at most 128";
      const hidden = isAddress && found.value.includes("@");
      return [{ path: found.from.name, value: hidden ? "(hidden)" : found.value, problem, fix }];
    });
  });
}

function inOrder(problems: readonly Problem[]): readonly Problem[] {
  const last = Number.MAX_SAFE_INTEGER;
  return problems.toSorted((a, b) => (a.line ?? last) - (b.line ?? last) || (a.column ?? last) - (b.column ?? last));
}
