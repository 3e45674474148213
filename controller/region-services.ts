import { dirname, resolve } from "node:path";
import type { Logger } from "pino";
import type { AllocatorConfig, ForgeConfig, PingConfig, RegionConfig } from "../config/config";
import { servicePort } from "../config/local-ports";
import { formatAddress } from "../protocol/address";
import type { Clock } from "../protocol/clock";
import { startAllocatorService, type AllocatorOptions } from "./agones/allocator-service";
import type { Controller } from "./controller";
import type { ControllerConfig } from "./controller-config";
import { ownToken } from "./own-token";
import { startPingService } from "./ping/ping-service";
import type { Tokens } from "./tokens";

export interface RegionServicesDeps {
  readonly controller: Controller;
  readonly tokens: Tokens;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface RegionServices {
  close(): Promise<void>;
}

/**
 * What a controller serves on ports of their own, as forge.toml says.
 * @throws {Error} where a port is taken or a certificate is none
 */
export async function startRegionServices(
  config: ControllerConfig,
  forge: ForgeConfig,
  deps: RegionServicesDeps,
): Promise<RegionServices> {
  const region = forge.regions.find(({ name }) => name === config.region);
  if (!region) return { close: () => Promise.resolve() };
  const allocator = forge.allocator && (await startAllocator(config, region, forge.allocator, deps));
  try {
    const ping = forge.ping && (await startPing(config, region, forge.ping, deps));
    return { close: async () => void (await Promise.all([allocator?.close(), ping?.close()])) };
  } catch (error) {
    await allocator?.close();
    throw error;
  }
}

async function startAllocator(
  config: ControllerConfig,
  region: RegionConfig,
  allocator: AllocatorConfig,
  { controller, tokens, clock, log }: RegionServicesDeps,
): Promise<RegionServices> {
  const port = config.services?.allocator ?? servicePort(region, "allocator", allocator.port);
  // By which other regions and this one's leader know that a controller passes an allocation on.
  const token = ownToken(tokens, { sub: `allocator/${config.region}`, role: "allocator" });
  const options = { host: allocator.host ?? config.api.host, port, auth: authOf(allocator, config) };
  const service = await startAllocatorService(options, { backend: controller, tokens, token, clock, log });
  log.info({ host: options.host, port, auth: allocator.auth }, "the allocation service listens");
  return service;
}

async function startPing(
  config: ControllerConfig,
  region: RegionConfig,
  { host = config.api.host, port: first, rateLimit }: PingConfig,
  { controller, clock, log }: RegionServicesDeps,
): Promise<RegionServices> {
  const port = config.services?.ping ?? servicePort(region, "ping", first);
  const service = await startPingService({ host, port, rateLimit }, clock);
  log.info({ host, port }, "the ping service listens");
  const at = formatAddress({ host: toldHost(config, region, host), port });
  controller.ping = { http: `http://${at}/`, udp: at };
  return service;
}

/** What players reach it by: where it listens on every address, what they are told of servers, else of the API. */
function toldHost({ api, publicUrl }: ControllerConfig, { publicAddress }: RegionConfig, host: string): string {
  if (host !== "0.0.0.0" && host !== "::") return host;
  const literal = publicAddress !== "auto" && !publicAddress.startsWith("meta.");
  return literal ? publicAddress : publicUrl === undefined ? api.host : new URL(publicUrl).hostname;
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
