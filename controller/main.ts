import { readFileSync } from "node:fs";
import pino from "pino";
import { programInput } from "../clients/program-input";
import { systemClock, wallClock } from "../protocol/clock";
import { readControllerConfig } from "./controller-config";
import { startController } from "./start-controller";
import { VERSION } from "./version";

/**
 * `controller CONFIG.json`: runs until SIGTERM or SIGINT. Servers and agents go on without it. `programInput` says where
 * else it may be told.
 */
async function main(): Promise<void> {
  const read = (file: string | 0): string => readFileSync(file, "utf8");
  const { text, source } = programInput("controller", { argv: process.argv, env: process.env, read });
  const config = readControllerConfig(text, source);
  const log = pino({ name: "controller", level: config.logLevel, base: { pid: process.pid, region: config.region } });
  const running = await startController(config, {
    clock: systemClock,
    wallClock,
    log,
    env: process.env,
    version: VERSION,
  });

  const stop = (signal: string): void => {
    log.info({ signal }, "controller is stopping");
    void running.close().then(() => process.exit(0));
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}

main().catch((error: unknown) => {
  process.stderr.write(`controller: ${(error as Error).message}\n`);
  process.exit(1);
});
