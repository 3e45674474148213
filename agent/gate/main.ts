import { readFileSync } from "node:fs";
import pino from "pino";
import { systemClock } from "../../protocol/clock";
import { ProcTable } from "../stats/proc-table";
import { readGateConfig } from "./gate-config";
import { ProcPeerCheck } from "./peer-check";
import { startGate } from "./start-gate";

/** Raised when what the gate does changes; its agent sees it in the hello. */
const GATE_VERSION = "1";

/** `gate CONFIG.json`: runs until SIGTERM or SIGINT. */
async function main(): Promise<void> {
  const file = process.argv[2];
  if (file === undefined) throw new Error("give the gate's configuration: gate CONFIG.json");
  const config = readGateConfig(readFileSync(file, "utf8"), file);
  const log = pino({ name: "gate", level: config.logLevel, base: { pid: process.pid } });
  const peers = process.platform === "linux" ? { checkPeer: new ProcPeerCheck(new ProcTable()).check } : {};
  const running = await startGate(config, { clock: systemClock, version: GATE_VERSION, log, ...peers });

  const stop = (signal: string): void => {
    log.info({ signal }, "gate is stopping");
    void running.stop().then(() => process.exit(0));
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}

main().catch((error: unknown) => {
  process.stderr.write(`gate: ${(error as Error).message}\n`);
  process.exit(1);
});
