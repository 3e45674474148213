import type { FoundProgram, ProgramName } from "../../infra/programs";
import { compareVersions, PROGRAM_NEEDS } from "../../infra/programs";
import type { Check } from "./check";

/** How the programs of others are found and asked; `this-machine.ts` has the real one. */
export interface ProgramFinder {
  /** Where it looks, in words. */
  readonly where: string;
  find(name: ProgramName): FoundProgram | undefined;
  version(program: FoundProgram): Promise<string | undefined>;
}

export const PROGRAM_NAMES = ["terraform", "nomad", "consul", "vault"] as const;

const GET = "`forge doctor --get` fetches the makers' official release";

/** What deploys and runs regions with engine = "nomad": where each is, and whether it is new enough. */
export function programChecks(finder: ProgramFinder): Promise<readonly Check[]> {
  return Promise.all(PROGRAM_NAMES.map((name) => programCheck(name, finder)));
}

/** Those that are missing or too old. */
export async function programsToGet(finder: ProgramFinder): Promise<readonly ProgramName[]> {
  const checks = await programChecks(finder);
  return PROGRAM_NAMES.filter((_name, at) => checks[at]?.status !== "ok");
}

async function programCheck(program: ProgramName, finder: ProgramFinder): Promise<Check> {
  const { files, least, purpose } = PROGRAM_NEEDS[program];
  const name = files.join(" or ");
  const found = finder.find(program);
  if (found === undefined) {
    return { name, status: "absent", detail: `not ${finder.where}; ${purpose}`, fix: GET };
  }
  const version = await finder.version(found);
  const wanted = least[found.kind] ?? "0.0.0";
  if (version === undefined) {
    return { name, status: "limited", detail: `${found.file} does not say its version; ${purpose}`, fix: GET };
  }
  if (compareVersions(version, wanted) < 0) {
    const detail = `${found.file} is ${version}, older than ${wanted}; ${purpose}`;
    return { name, status: "limited", detail, fix: GET };
  }
  return { name, status: "ok", detail: `${found.file}, ${version}; ${purpose}` };
}
