import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { localPorts, portOffsetOf } from "../config/local-ports";
import { loadConfig } from "../config/load";
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
): LocalRegion {
  const path = resolve(file);
  const { config } = loadConfig({ file: path, env, readFile: (each) => readFileSync(each, "utf8") });
  const index = config.regions.findIndex((region) => region.name === name);
  const region = config.regions[index];
  if (region === undefined) {
    const names = config.regions.map((each) => each.name).join(", ");
    throw new InfraError("badInput", `${path} has no region "${name}"`, `name one of these: ${names}`);
  }
  if (region.engine !== "nomad" || region.hosts !== "local") {
    const message = `region ${name} has engine = "${region.engine}" and hosts = "${region.hosts}": there are no hosts to start here`;
    throw new InfraError("badInput", message, 'set engine = "nomad" and hosts = "local" in its [[regions]]');
  }
  const offset = portOffsetOf(env["FORGE_PORT_OFFSET"]);
  if (offset === undefined) {
    const message = `FORGE_PORT_OFFSET is "${env["FORGE_PORT_OFFSET"] ?? ""}", and must be a whole number that leaves all ports below 65536`;
    throw new InfraError("badInput", message, "set another, or none");
  }
  return {
    name,
    datacenter: region.datacenters[0] ?? name,
    ports: localPorts(index, offset),
    folder: new RegionFolder(dirname(path), name),
  };
}
