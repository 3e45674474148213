import { join } from "node:path";
import type { ProgramName } from "../../infra/programs";
import { getRelease } from "../../infra/releases/get-release";
import { releaseOf } from "../../infra/releases/release";
import { errorMessage } from "../error-code";
import { CliError } from "../failure";
import { EXIT } from "../exit-code";

export interface GetPlace {
  /** Forge's cache. */
  readonly cache: string;
  readonly platform: string;
  readonly arch: string;
  /** Where releases are published; the makers' own where not given. */
  readonly base?: string | undefined;
}

/**
 * Fetches programs into Forge's cache, one after the other.
 *
 * @param note gets a line a program
 * @throws {CliError} `download` where one cannot be had; those before it are there
 */
export async function getPrograms(
  names: readonly ProgramName[],
  { cache, platform, arch, base }: GetPlace,
  note: (line: string) => void,
): Promise<void> {
  for (const name of names) {
    const release = releaseOf(name, platform, arch, base);
    if (release === undefined) {
      const message = `the makers of ${name} publish no release for ${platform} on ${arch}`;
      throw new CliError("download", EXIT.failed, message, "install it by hand and put it on PATH");
    }
    note(`${name} ${release.version} from ${release.url}`);
    try {
      const file = await getRelease(release, join(cache, "bin"));
      note(`${name} is in ${file}, its checksum is the makers'`);
    } catch (error) {
      const fix = (error as { readonly fix?: string }).fix;
      throw new CliError("download", EXIT.failed, errorMessage(error), fix);
    }
  }
}
