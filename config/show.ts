import { effectiveToml, type TomlTable, type TomlValue } from "./effective";
import type { ForgeConfig } from "./config";
import { formatPath, type Path } from "./problem";
import { isList, type ConfigSource, type ConfigSources } from "./sources";

/**
 * The configuration in force as a forge.toml, every default written out and at each line where it came from.
 * What it prints is itself a file that means the same.
 */
export function showConfig(config: ForgeConfig, sources: ConfigSources): string {
  const lines = tableLines(effectiveToml(config), [], sources);
  const width = Math.min(60, Math.max(...lines.map(({ text, source }) => (source === undefined ? 0 : text.length))));
  return `${lines
    .map((line) => rendered(line, width))
    .join("\n")
    .trim()}\n`;
}

interface Line {
  readonly text: string;
  readonly source?: ConfigSource | undefined;
}

function rendered({ text, source }: Line, width: number): string {
  return source === undefined ? text : `${text.padEnd(width)} # ${describeSource(source)}`;
}

/** "line 12", "from NOMAD_ADDR", "as scaling.target_cpu_utilization", "default". */
export function describeSource(source: ConfigSource): string {
  switch (source.kind) {
    case "file":
      return source.line === undefined ? "file" : `line ${source.line}`;
    case "env":
    case "flag":
      return `from ${source.name}`;
    case "inherited":
      return `as ${source.from}`;
    case "default":
      return "default";
  }
}

/** Sections become headers, tables with values of different origin dotted keys; ports or a health check stay on a line. */
function tableLines(table: TomlTable, path: Path, sources: ConfigSources): Line[] {
  const values: Line[] = [];
  const tables: Line[] = [];
  for (const [key, value] of Object.entries(table)) {
    const inner = [...path, key];
    if (value === undefined) continue;
    if (isTable(value) && SECTIONS.test(formatPath(inner))) {
      const lines = tableLines(value, inner, sources);
      // A table that holds only tables needs no header of its own.
      const hasValues = lines.length > 0 && lines[0]?.text !== "";
      tables.push(...(hasValues ? [{ text: "" }, { text: `[${header(inner)}]` }] : []), ...lines);
    } else if (isList(value) && value.length > 0 && value.every(isTable)) {
      value.forEach((element, index) => {
        const lines = tableLines(element, [...inner, index], sources);
        tables.push({ text: "" }, { text: `[[${header(inner)}]]` }, ...lines);
      });
    } else if (isTable(value) && path[0] === "regions") {
      const lines = tableLines(value, inner, sources);
      values.push(...lines.map((line) => ({ ...line, text: `${bare(key)}.${line.text}` })));
    } else values.push({ text: `${bare(key)} = ${inline(value)}`, source: sourceOf(inner, sources) });
  }
  return [...values, ...tables];
}

const SECTIONS =
  /^(?:nomad|consul|vault|artifacts|api|scaling|health|allocator|ping|demo|experiences|experiences\.[^.]+(?:\.(?:scaling|routing|rollout|stop|roles|roles\.[^.]+))?)$/;

/** A table on one line has the source of its first key: they were written, or not, together. */
function sourceOf(path: Path, sources: ConfigSources): ConfigSource | undefined {
  const name = formatPath(path);
  const key = Object.hasOwn(sources, name) ? name : Object.keys(sources).find((other) => other.startsWith(`${name}.`));
  return key === undefined ? { kind: "default" } : sources[key];
}

function header(path: Path): string {
  return formatPath(path.filter((key) => typeof key === "string"));
}

function bare(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : quoted(key);
}

function inline(value: TomlValue): string {
  if (typeof value === "string") return quoted(value);
  if (typeof value !== "object") return String(value);
  if (isList(value)) return `[${value.map(inline).join(", ")}]`;
  const entries = Object.entries(value).filter((entry): entry is [string, TomlValue] => entry[1] !== undefined);
  return entries.length === 0
    ? "{}"
    : `{ ${entries.map(([key, inner]) => `${bare(key)} = ${inline(inner)}`).join(", ")} }`;
}

/** TOML's basic strings escape as JSON does, and want DEL escaped too. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll("\u007f", "\\u007f");
}

function isTable(value: TomlValue): value is TomlTable {
  return typeof value === "object" && !isList(value);
}
