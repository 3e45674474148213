import type { ForgeConfig } from "./config";
import { effectiveToml, type TomlValue } from "./effective";
import type { Locate } from "./locate";
import { formatPath, type Path } from "./problem";
import { decide, type ConfigFlags, type Layer, type Layers } from "./resolve";

export type ConfigSource =
  | { readonly kind: "file"; readonly line: number | undefined }
  /** A variable's name, or a flag's. */
  | { readonly kind: "env" | "flag"; readonly name: string }
  /** Taken over from another key. */
  | { readonly kind: "inherited"; readonly from: string }
  | { readonly kind: "default" };

/** By path in the file's names: `experiences.arena.scaling.max_servers`, `regions[0].nomad.address`. */
export type ConfigSources = Readonly<Record<string, ConfigSource>>;

interface Origin {
  readonly config: ForgeConfig;
  /** The file as parsed, before any default. */
  readonly document: unknown;
  readonly layers: Layers;
  readonly flags: ConfigFlags;
  /** What FORGE_PORT_OFFSET said. */
  readonly portOffset: number;
  readonly locate: Locate;
}

/** Says of every value of the effective configuration where it came from. */
export function sourcesOf(origin: Origin): ConfigSources {
  const leaves = leavesOf(effectiveToml(origin.config));
  return Object.fromEntries(leaves.map(({ path }) => [formatPath(path), sourceOf(path, origin)]));
}

export interface Leaf {
  readonly path: Path;
  readonly value: TomlValue;
}

/** Values that are no tables; lists of anything but tables are values. */
export function leavesOf(value: TomlValue, path: Path = []): readonly Leaf[] {
  if (typeof value !== "object") return [{ path, value }];
  if (isList(value)) {
    const tables = value.length > 0 && value.every((element) => typeof element === "object" && !isList(element));
    return tables ? value.flatMap((element, index) => leavesOf(element, [...path, index])) : [{ path, value }];
  }
  return Object.entries(value).flatMap(([key, inner]) => (inner === undefined ? [] : leavesOf(inner, [...path, key])));
}

export function isList(value: TomlValue): value is readonly TomlValue[] {
  return Array.isArray(value);
}

function sourceOf(path: Path, origin: Origin): ConfigSource {
  const here = inFile(path, origin);
  const [root, index] = path;
  if (root === "regions" && typeof index === "number") return regionSource(here, path as RegionPath, origin);
  if (isSystem(root)) return layered(layerOf(root, index, origin.layers), false) ?? here.source;
  if (here.written) return here.source;
  return inheritedFrom(path, origin) ?? here.source;
}

interface InFile {
  readonly written: boolean;
  readonly source: ConfigSource;
}

/** Where the file says it, if it does: `health = "sdk"` says what `health.sdk` is. */
function inFile(path: Path, { document, locate, config }: Origin): InFile {
  let value = document;
  const inDocument = path.map((key, at) =>
    at === 1 && path[0] === "regions" ? regionIndex(document, config, Number(key)) : key,
  );
  for (const key of inDocument) {
    if (typeof value !== "object" || value === null) break;
    if (!Object.hasOwn(value, key)) return { written: false, source: { kind: "default" } };
    value = (value as Record<string | number, unknown>)[key];
  }
  return { written: true, source: { kind: "file", line: locate(inDocument)?.line } };
}

/** A region's place in the file, which is not its place in the run where flags chose some. */
function regionIndex(document: unknown, config: ForgeConfig, index: number): number {
  const { regions } = document as { readonly regions?: readonly { readonly name: string }[] };
  return regions?.findIndex(({ name }) => name === config.regions[index]?.name) ?? index;
}

type RegionPath = readonly ["regions", number, string, string | number | undefined];

function regionSource(here: InFile, [, index, key, inner]: RegionPath, origin: Origin): ConfigSource {
  if (isSystem(key)) {
    if (isOwnAddress(inner, index, origin)) {
      return origin.portOffset === 0 ? { kind: "default" } : { kind: "env", name: "FORGE_PORT_OFFSET" };
    }
    const shared = inFile([key, String(inner)], origin);
    const from: ConfigSource = shared.written
      ? { kind: "inherited", from: `${key}.${String(inner)}` }
      : { kind: "default" };
    return layered(layerOf(key, inner, origin.layers), here.written) ?? (here.written ? here.source : from);
  }
  if (key === "engine" && origin.flags.engine !== undefined) return { kind: "flag", name: "--engine" };
  if (key === "hosts" && origin.flags.engine === "embedded") return { kind: "flag", name: "--engine" };
  if (here.written) return here.source;
  const named = key === "datacenters" || key === "name";
  return named && inFile(["nomad", "datacenter"], origin).written
    ? { kind: "inherited", from: "nomad.datacenter" }
    : here.source;
}

/** Systems that Forge runs on this machine are where their ports are. */
function isOwnAddress(key: Path[number] | undefined, index: number, { config }: Origin): boolean {
  const region = config.regions[index];
  return key === "address" && region?.engine === "nomad" && region.hosts === "local";
}

function isSystem(key: Path[number] | undefined): key is keyof typeof SYSTEMS {
  return typeof key === "string" && Object.hasOwn(SYSTEMS, key);
}

/** The layers that may say a system's values, by key. */
const SYSTEMS: Readonly<Record<"nomad" | "consul" | "vault", Readonly<Record<string, keyof Layers>>>> = {
  nomad: { address: "nomadAddress", namespace: "nomadNamespace", ca_file: "nomadCaFile" },
  consul: { address: "consulAddress", ca_file: "consulCaFile" },
  vault: { address: "vaultAddress", ca_file: "vaultCaFile" },
};

function layerOf(system: keyof typeof SYSTEMS, key: Path[number] | undefined, layers: Layers): Layer | undefined {
  const name = SYSTEMS[system][String(key)];
  return name === undefined ? undefined : layers[name];
}

/** The flag or variable that decided, if one did. `own`: a region says it itself, which comes before the environment. */
function layered(layers: Layer | undefined, own: boolean): ConfigSource | undefined {
  if (layers === undefined) return undefined;
  const { from } = decide(layers, own ? "" : undefined, "");
  return from.kind === "file" ? undefined : from;
}

const INHERITED: Readonly<Record<string, string>> = {
  min_servers: "min_servers_per_region",
  max_servers: "max_servers_per_region",
  target_cpu: "target_cpu_utilization",
  scale_up_threshold: "target_cpu_utilization",
  scale_down_threshold: "target_cpu_utilization",
  target_players: "target_players_per_server",
  scale_up_cooldown_secs: "scale_up_cooldown_secs",
  scale_down_cooldown_secs: "scale_down_cooldown_secs",
};

/** Keys of the same policy that a derived one looks at first, nearest first. */
const DERIVED: Readonly<Record<string, readonly string[]>> = {
  scale_up_threshold: ["target_cpu"],
  scale_down_threshold: ["scale_up_threshold", "target_cpu"],
  scale_up_cooldown_secs: ["cooldown_secs"],
  scale_down_cooldown_secs: ["cooldown_secs"],
};

/** Of a scaling policy: the key that a value was taken from, as far as somebody wrote that. */
function inheritedFrom(path: Path, origin: Origin): ConfigSource | undefined {
  const key = String(path.at(-1));
  if (path[0] !== "experiences" || path[2] !== "scaling") return undefined;
  const candidates: Path[] = (DERIVED[key] ?? []).map((name) => [...path.slice(0, -1), name]);
  const shared = INHERITED[key];
  if (shared !== undefined) candidates.push(["scaling", shared]);
  const from = candidates.find((candidate) => inFile(candidate, origin).written);
  return from === undefined ? undefined : { kind: "inherited", from: formatPath(from) };
}
