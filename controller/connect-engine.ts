import type { Logger } from "pino";
import type { Clock } from "../protocol/clock";
import { EmbeddedEngine } from "./adapters/embedded/embedded-engine";
import { connectNomad } from "./adapters/nomad/connect-nomad";
import type { ControllerConfig } from "./controller-config";
import type { Engine } from "./engine";
import { folderOf } from "./forge-file";

export interface ConnectEngineDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The engine that the configuration names. */
export function connectEngine(
  { region, config, engine }: ControllerConfig,
  { clock, log, env }: ConnectEngineDeps,
): Promise<Engine> {
  if (engine.kind === "nomad") return connectNomad(engine, { region, clock, log, random: Math.random });
  const { rootSocket, rootSecret, runDir, dataDir, home, ports } = engine;
  return EmbeddedEngine.connect({
    region,
    root: { socketPath: rootSocket, secret: rootSecret },
    runDir,
    dataDir,
    home,
    baseDir: config.kind === "file" ? folderOf({ config }) : home,
    ports,
    env,
    warn: (message) => log.warn(message),
    clock,
  });
}
