import { readFileSync } from "node:fs";
import { join } from "node:path";
import { join as joinUrl } from "node:path/posix";
import { z } from "zod";
import type { RegionProgram } from "../config/region-names";
import { DEFAULT_FORGE_HOME } from "../jobs/game-server";
import type { BundleSource } from "../jobs/program";

const bundle = z.object({ file: z.string().min(1), sha256: z.string().regex(/^[0-9a-f]{64}$/) });
const bundleList = z.object({ controller: bundle, agent: bundle, gate: bundle });

/**
 * Where nodes get Forge's programs.
 *
 * @param home folder that Forge is installed in here; `dist/bundles.json` has the checksums
 * @param served folder by HTTP that has the bundles; undefined: they lie in `DEFAULT_FORGE_HOME` on each node
 * @throws {Error} where there is nothing built to take checksums from
 */
export function bundlesOf(home: string, served: string | undefined): Readonly<Record<RegionProgram, BundleSource>> {
  const onNode = (program: RegionProgram) => ({ path: joinUrl(DEFAULT_FORGE_HOME, "dist", `${program}.js`) });
  if (served === undefined) return { controller: onNode("controller"), agent: onNode("agent"), gate: onNode("gate") };
  const file = join(home, "dist", "bundles.json");
  const list = readBundles(file);
  const at = ({ file: name, sha256 }: z.output<typeof bundle>) => ({
    url: `${served.replace(/\/+$/, "")}/${name}`,
    sha256,
  });
  return { controller: at(list.controller), agent: at(list.agent), gate: at(list.gate) };
}

function readBundles(file: string): z.output<typeof bundleList> {
  try {
    return bundleList.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    throw new Error(`${file} is not there or no list of bundles: run \`npm run build\` in that checkout`, {
      cause: error,
    });
  }
}
