import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { RegionConfig } from "../config/config";
import { loadConfig } from "../config/load";
import type { ConfigFlags } from "../config/resolve";
import { InfraError } from "./failure";
import type { LocalRegion } from "./local/agent-plan";
import { RegionFolder } from "./local/region-folder";

/** A region of a forge.toml, and the folder that the file lies in. */
export interface ConfiguredRegion {
  readonly region: RegionConfig;
  readonly folder: string;
}

/**
 * @throws {ConfigError} where the file is broken
 * @throws {InfraError} `badInput` where it has no such region
 */
export function configuredRegion(
  file: string,
  name: string,
  env: Readonly<Record<string, string | undefined>>,
  flags: ConfigFlags = {},
): ConfiguredRegion {
  const path = resolve(file);
  const { config } = loadConfig({ file: path, env, flags, readFile: (each) => readFileSync(each, "utf8") });
  const region = config.regions.find((each) => each.name === name);
  if (region === undefined) {
    const names = config.regions.map((each) => each.name).join(", ");
    throw new InfraError("badInput", `${path} has no region "${name}"`, `name one of these: ${names}`);
  }
  return { region, folder: dirname(path) };
}

/**
 * A region whose hosts are this machine.
 *
 * @throws {InfraError} `badInput` where its hosts are not ours to start
 */
export function localRegionOf({ region, folder }: ConfiguredRegion): LocalRegion {
  const { name, engine, hosts } = region;
  if (engine !== "nomad" || hosts !== "local") {
    const message = `region ${name} has engine = "${engine}" and hosts = "${hosts}": there are no hosts to start here`;
    throw new InfraError("badInput", message, 'set engine = "nomad" and hosts = "local" in its [[regions]]');
  }
  return {
    name,
    datacenter: region.datacenters[0] ?? name,
    ports: region.ports,
    folder: new RegionFolder(folder, name),
  };
}
