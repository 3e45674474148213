import { PROGRAM_NEEDS, type ProgramName } from "../programs";

/** A release of a program as its makers publish it: one zip a system, beside a list of checksums. */
export interface Release {
  readonly name: ProgramName;
  readonly version: string;
  /** Folder by HTTP that has archive and checksums. */
  readonly url: string;
  readonly archive: string;
  readonly checksums: string;
  /** The program's file inside the archive. */
  readonly program: string;
}

/** What `forge doctor --get` fetches: versions that Forge was tried with or the newest patch of their kind. */
const VERSIONS: Readonly<Record<ProgramName, string>> = {
  terraform: "1.11.4",
  nomad: "2.0.5",
  consul: "1.22.2",
  vault: "1.21.1",
};

const MAKER = "https://releases.hashicorp.com";

/**
 * The makers' official release for a system.
 *
 * @param platform and @param arch as Node names them
 * @param base where releases are published, for mirrors
 * @returns undefined where its makers publish none for that system
 */
export function releaseOf(name: ProgramName, platform: string, arch: string, base = MAKER): Release | undefined {
  const system = platform === "linux" || platform === "darwin" ? platform : undefined;
  const machine = { x64: "amd64", arm64: "arm64" }[arch];
  if (system === undefined || machine === undefined) return undefined;
  const version = VERSIONS[name];
  const [program = name] = PROGRAM_NEEDS[name].files;
  return {
    name,
    version,
    url: `${base.replace(/\/+$/, "")}/${program}/${version}`,
    archive: `${program}_${version}_${system}_${machine}.zip`,
    checksums: `${program}_${version}_SHA256SUMS`,
    program,
  };
}
