import { execFile } from "node:child_process";
import { join } from "node:path";
import { foldersOf, isExecutable } from "../config/program-files";
import { InfraError } from "./failure";

/** Programs of others that bring a region to life. `vault` is HashiCorp's or OpenBao. */
export type ProgramName = "terraform" | "nomad" | "consul" | "vault";

export interface ProgramNeed {
  /** File names, the preferred one first. */
  readonly files: readonly string[];
  /** The oldest version that Forge was tried with, `MAJOR.MINOR.PATCH`. */
  readonly least: Readonly<Record<string, string>>;
  /** What it is needed for, as a phrase. */
  readonly purpose: string;
}

export const PROGRAM_NEEDS: Readonly<Record<ProgramName, ProgramNeed>> = {
  terraform: { files: ["terraform"], least: { terraform: "1.6.0" }, purpose: "brings stacks to clusters" },
  nomad: { files: ["nomad"], least: { nomad: "1.10.0" }, purpose: 'runs regions with engine = "nomad"' },
  consul: {
    files: ["consul"],
    least: { consul: "1.8.0" },
    purpose: "leading, live configuration and discovery on clusters",
  },
  // OpenBao built from source may call itself 2.0.0 whatever it is.
  vault: { files: ["vault", "bao"], least: { vault: "1.15.0", bao: "2.0.0" }, purpose: "secrets and keys on clusters" },
};

export interface FoundProgram {
  readonly name: ProgramName;
  /** `vault` or `bao` where the name leaves a choice. */
  readonly kind: string;
  /** Absolute path: start it by this. */
  readonly file: string;
}

/** Where programs are looked for, in this order. */
export interface ProgramPlaces {
  /** As in the environment: folders with the system's delimiter. */
  readonly path: string;
  /** Forge's cache. */
  readonly cache: string;
}

/** `~/.cache/forge`, or what XDG_CACHE_HOME says. */
export function forgeCache(env: Readonly<Record<string, string | undefined>>, home: string): string {
  const base = env["XDG_CACHE_HOME"];
  return join(base === undefined || base === "" ? join(home, ".cache") : base, "forge");
}

export function programPlaces(env: Readonly<Record<string, string | undefined>>, home: string): ProgramPlaces {
  return { path: env["PATH"] ?? "", cache: forgeCache(env, home) };
}

/** The first that is there, PATH before the cache; undefined where there is none. */
export function findInPlaces(name: ProgramName, { path, cache }: ProgramPlaces): FoundProgram | undefined {
  for (const folder of [...foldersOf(path), join(cache, "bin")]) {
    for (const kind of PROGRAM_NEEDS[name].files) {
      const file = join(folder, kind);
      if (isExecutable(file)) return { name, kind, file };
    }
  }
  return undefined;
}

/** `1.8.7` out of `Consul v1.8.7 …`; undefined where it says none. */
export function versionIn(text: string): string | undefined {
  return /\bv?(\d+\.\d+\.\d+)/.exec(text)?.[1];
}

/** Negative where `a` is older than `b`, 0 where they are the same. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split(".").map(Number));
  return [0, 1, 2].map((at) => (left?.[at] ?? 0) - (right?.[at] ?? 0)).find((difference) => difference !== 0) ?? 0;
}

/** The version a program says it is. Bounded: a program that does not answer within 20 s has none. */
export async function versionOf({ file }: FoundProgram): Promise<string | undefined> {
  const env = { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "/", CHECKPOINT_DISABLE: "1" };
  const text = await new Promise<string>((resolve) => {
    execFile(file, ["version"], { timeout: 20_000, env }, (_error, stdout) => resolve(stdout));
  });
  return versionIn(text);
}

export interface KnownProgram extends FoundProgram {
  readonly version: string;
}

/**
 * A program that is there and new enough.
 *
 * @throws {InfraError} `programMissing` with the places that were looked at, `programTooOld` with both versions
 */
export async function requireProgram(name: ProgramName, places: ProgramPlaces): Promise<KnownProgram> {
  const { files, least } = PROGRAM_NEEDS[name];
  const found = findInPlaces(name, places);
  const get = "install it, or let `forge doctor --get` fetch the official release";
  if (found === undefined) {
    const looked = `on PATH and in ${join(places.cache, "bin")}`;
    throw new InfraError("programMissing", `${files.join(" or ")} is missing: looked ${looked}`, get);
  }
  const version = await versionOf(found);
  if (version === undefined) {
    throw new InfraError("programMissing", `${found.file} does not say its version`, `replace that file: ${get}`);
  }
  const wanted = least[found.kind] ?? "0.0.0";
  if (compareVersions(version, wanted) < 0) {
    const message = `${found.file} is ${version}, and Forge needs ${wanted} or newer`;
    throw new InfraError("programTooOld", message, `update it: ${get}`);
  }
  return { ...found, version };
}
