import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { engineOfEnv } from "../config/engine-name";
import { loadConfig } from "../config/load";
import type { ConfigFlags } from "../config/resolve";
import { InfraError } from "./failure";
import type { LocalRegion } from "./local/agent-plan";
import { RegionFolder } from "./local/region-folder";

/**
 * A region of a forge.toml whose hosts are this machine.
 *
 * @throws {ConfigError} where the file is broken
 * @throws {InfraError} `badInput` where it has no such region, or its hosts are not ours to start
 */
export function localRegionOf(
  file: string,
  name: string,
  env: Readonly<Record<string, string | undefined>>,
  given: ConfigFlags = {},
): LocalRegion {
  const path = resolve(file);
  const flags = { ...given, engine: given.engine ?? engineOfEnv(env) };
  const { config } = loadConfig({ file: path, env, flags, readFile: (each) => readFileSync(each, "utf8") });
  const region = config.regions.find((each) => each.name === name);
  if (region === undefined) {
    const names = config.regions.map((each) => each.name).join(", ");
    throw new InfraError("badInput", `${path} has no region "${name}"`, `name one of these: ${names}`);
  }
  if (region.engine !== "nomad" || region.hosts !== "local") {
    const message = `region ${name} has engine = "${region.engine}" and hosts = "${region.hosts}": there are no hosts to start here`;
    throw new InfraError("badInput", message, 'set engine = "nomad" and hosts = "local" in its [[regions]]');
  }
  return {
    name,
    datacenter: region.datacenters[0] ?? name,
    ports: region.ports,
    folder: new RegionFolder(dirname(path), name),
  };
}
