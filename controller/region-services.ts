import { dirname, resolve } from "node:path";
import type { Logger } from "pino";
import type { AllocatorConfig, ForgeConfig } from "../config/config";
import { servicePort } from "../config/local-ports";
import type { Clock } from "../protocol/clock";
import { startAllocatorService, type AllocatorOptions } from "./agones/allocator-service";
import type { Controller } from "./controller";
import type { ControllerConfig } from "./controller-config";
import { ALL_REGIONS, type Tokens } from "./tokens";

export interface RegionServicesDeps {
  readonly controller: Controller;
  readonly tokens: Tokens;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface RegionServices {
  close(): Promise<void>;
}

const TOKEN_SECS = 3600;
/** A token is made anew with this much of its life left. */
const TOKEN_SLACK_SECS = 300;

/**
 * What a controller serves on ports of their own, as forge.toml says.
 * @throws {Error} where a port is taken or a certificate is none
 */
export async function startRegionServices(
  config: ControllerConfig,
  forge: ForgeConfig,
  { controller, tokens, clock, log }: RegionServicesDeps,
): Promise<RegionServices> {
  const region = forge.regions.find(({ name }) => name === config.region);
  const { allocator } = forge;
  if (!region || !allocator) return { close: () => Promise.resolve() };
  const port = servicePort(region, "allocator", allocator.port);
  const token = allocatorToken(tokens, config.region, clock);
  const options = { host: allocator.host ?? config.api.host, port, auth: authOf(allocator, config) };
  const service = await startAllocatorService(options, { backend: controller, tokens, token, clock, log });
  log.info({ host: options.host, port, auth: allocator.auth }, "the allocation service listens");
  return { close: () => service.close() };
}

/** Files are from the folder of forge.toml, where that is a file. */
function authOf(
  { auth, certFile, keyFile, clientCaDir }: AllocatorConfig,
  { config }: ControllerConfig,
): AllocatorOptions["auth"] {
  if (auth !== "mtls" || certFile === undefined || keyFile === undefined || clientCaDir === undefined)
    return { kind: auth === "none" ? "none" : "token" };
  const folder = config.kind === "file" ? (config.baseDir ?? dirname(config.path)) : "/";
  const at = (path: string): string => resolve(folder, path);
  return { kind: "mtls", files: { certFile: at(certFile), keyFile: at(keyFile), clientCaDir: at(clientCaDir) } };
}

/** By which other regions and this one's leader know that a controller passes an allocation on. */
function allocatorToken(tokens: Tokens, region: string, clock: Clock): () => string {
  let current = { token: "", expiresAtMs: 0 };
  return () => {
    if (clock.now() > current.expiresAtMs - TOKEN_SLACK_SECS * 1000) {
      const sub = `allocator/${region}`;
      current = tokens.mint({ sub, role: "allocator", regions: [ALL_REGIONS], expiresInSecs: TOKEN_SECS });
    }
    return current.token;
  };
}
