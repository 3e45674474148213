import { readFileSync, statSync } from "node:fs";
import type { Logger } from "pino";
import { HttpJson } from "../../../clients/http-json";
import { NomadClient } from "../../../clients/nomad";
import { fileToken } from "../../../clients/nomad-token";
import type { Clock } from "../../../protocol/clock";
import type { NomadEngineConfig } from "./nomad-config";
import { NomadEngine } from "./nomad-engine";

export interface ConnectNomadDeps {
  readonly region: string;
  readonly clock: Clock;
  readonly log: Pick<Logger, "info" | "warn">;
  /** 0 to 1, for jitter. */
  readonly random: () => number;
}

/**
 * An engine on the Nomad that runs a region's servers. It is there at once and connects by itself: a controller starts
 * while Nomad is away, and hears `engineUnavailable` until it is back.
 * @throws {Error} where the CA's file cannot be read
 */
export async function connectNomad(config: NomadEngineConfig, deps: ConnectNomadDeps): Promise<NomadEngine> {
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
