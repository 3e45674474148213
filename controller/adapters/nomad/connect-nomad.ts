import { readFileSync, statSync } from "node:fs";
import { HttpJson } from "../../../clients/http-json";
import { NomadClient } from "../../../clients/nomad";
import { fileToken } from "../../../clients/nomad-token";
import type { NomadEngineConfig } from "./nomad-config";
import { NomadEngine } from "./nomad-engine";
import type { NomadWorld } from "./nomad-world";

/**
 * An engine on the Nomad that runs a region's servers. It is there at once and connects by itself: a controller starts
 * while Nomad is away, and hears `engineUnavailable` until it is back.
 * @throws {Error} where the CA's file cannot be read
 */
export async function connectNomad(config: NomadEngineConfig, deps: NomadWorld): Promise<NomadEngine> {
  const { address, caFile, tokenFile, namespace } = config;
  const token = tokenFile === undefined ? () => undefined : fileToken(tokenFile, disk);
  const http = new HttpJson({
    address,
    name: "Nomad",
    ca: caFile === undefined ? undefined : readFileSync(caFile, "utf8"),
    headers: () => {
      const value = token();
      return value === undefined ? {} : { "x-nomad-token": value };
    },
  });
  return new NomadEngine(config, { ...deps, client: new NomadClient(http, namespace), onClose: () => http.close() });
}

const disk = {
  mtimeMs: (file: string) => statSync(file).mtimeMs,
  read: (file: string) => readFileSync(file, "utf8"),
};
