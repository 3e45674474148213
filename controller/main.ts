import { readFileSync } from "node:fs";
import pino from "pino";
import { systemClock } from "../protocol/clock";
import { readControllerConfig } from "./controller-config";
import { startController } from "./start-controller";
import { VERSION } from "./version";

/** `controller CONFIG.json`: runs until SIGTERM or SIGINT. Servers and agents go on without it. */
async function main(): Promise<void> {
  const file = process.argv[2];
  if (file === undefined) throw new Error("give the controller's configuration: controller CONFIG.json");
  const config = readControllerConfig(readFileSync(file, "utf8"), file);
  const log = pino({ name: "controller", level: config.logLevel, base: { pid: process.pid, region: config.region } });
  const running = await startController(config, { clock: systemClock, log, env: process.env, version: VERSION });

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
