import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Logger } from "pino";
import type { ForgeConfig } from "../config/config";
import { loadConfig } from "../config/load";
import { configKey } from "../config/region-names";
import type { Clock } from "../protocol/clock";
import type { ConsulParts } from "./adapters/consul/join-consul";
import type { Origins } from "./api/origins";
import type { Controller } from "./controller";
import type { ControllerConfig } from "./controller-config";
import { coreSettings } from "./core-settings";
import { watchFile } from "./live-config";
import { readWebhooks, type Webhooks } from "./webhooks";

export interface FollowForgeDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly env: Env;
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The forge.toml that a controller starts with.
 * @throws {Error} where it is wrong
 */
export function readForge({ config }: ControllerConfig, env: Env): ForgeConfig {
  if (config.kind === "file")
    return loadConfig({ file: config.path, env, readFile: (path) => readFileSync(path, "utf8") }).config;
  const text = Buffer.from(config.base64, "base64").toString("utf8");
  return loadConfig({ file: "the forge.toml that the controller's job carries", env, readFile: () => text }).config;
}

/** Where forge.toml's relative paths begin; where it came without a file, the working folder. */
export function folderOf({ config }: Pick<ControllerConfig, "config">): string {
  return config.kind === "file" ? (config.baseDir ?? dirname(config.path)) : process.cwd();
}

/** What follows forge.toml while the controller runs. */
interface Followers {
  readonly controller: Controller;
  readonly webhooks: Webhooks;
  readonly origins: Origins;
}

/** Goes on with forge.toml as it changes; what KV says outranks the file that this controller was started with. The result ends it. */
export function followForge(
  config: ControllerConfig,
  consul: ConsulParts | undefined,
  followers: Followers,
  deps: FollowForgeDeps,
): () => void {
  const { env, clock } = deps;
  const { region } = config;
  if (consul) {
    const file = `Consul KV ${configKey(region)}`;
    return consul.followConfig((text) =>
      takeForge(() => loadConfig({ file, env, readFile: () => text }).config, region, followers, deps),
    );
  }
  if (config.config.kind !== "file") return () => undefined;
  return watchFile(config.config.path, clock, () => takeForge(() => readForge(config, env), region, followers, deps));
}

/** A text with a fault changes nothing: what was in force stays; log, events and metrics say so. */
function takeForge(
  read: () => ForgeConfig,
  region: string,
  { controller, webhooks, origins }: Followers,
  { log, env }: FollowForgeDeps,
): void {
  try {
    const forge = read();
    const hooks = readWebhooks(forge.webhooks, env);
    const settings = coreSettings(forge, region);
    // First, so that a new receiver hears of the change that names it.
    webhooks.setHooks(hooks);
    origins.set(forge.api.origins);
    controller.setSettings(settings);
  } catch (error) {
    controller.settingsRejected((error as Error).message);
    log.error({ err: error }, "the changed forge.toml is not used; what was in force before stays");
  }
}
