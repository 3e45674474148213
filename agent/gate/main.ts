import { readFileSync } from "node:fs";
import pino from "pino";
import { programInput } from "../../clients/program-input";
import { systemClock } from "../../protocol/clock";
import { ProcTable } from "../stats/proc-table";
import { readGateConfig } from "./gate-config";
import { ProcPeerCheck } from "./peer-check";
import { startGate } from "./start-gate";

/** Raised when what the gate does changes; its agent sees it in the hello. */
const GATE_VERSION = "1";

/** `gate CONFIG.json`: runs until SIGTERM, SIGINT, or its last server's end after SIGTERM. `programInput` says where else it may be told. */
async function main(): Promise<void> {
  const read = (file: string | 0): string => readFileSync(file, "utf8");
  const { text, source } = programInput("gate", { argv: process.argv, env: process.env, read });
  const config = readGateConfig(text, source);
  const log = pino({ name: "gate", level: config.logLevel, base: { pid: process.pid } }, pino.destination(2));
  // Its end would be the end of every game server on the node, and each connection's state is its own: going on is safer.
  process.on("uncaughtException", (error) => log.error({ err: error }, "a fault in one connection; the others go on"));

  const peers = process.platform === "linux" ? { checkPeer: new ProcPeerCheck(new ProcTable()).check } : {};
  const running = await startGate(config, {
    clock: systemClock,
    version: GATE_VERSION,
    log,
    env: process.env,
    random: Math.random,
    ...peers,
  });
  let stopping = false;
  const stop = (signal: string): void => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, "gate is stopping");
    void running.stop().then(() => process.exit(0));
  };
  process.once("SIGINT", stop);
  // Not once: who asks again, as Nomad's client does when it starts anew, must not end the servers either.
  if (config.onSigterm === "retire")
    process.on("SIGTERM", () => void running.gate.retire().then(() => stop("SIGTERM")));
  else process.once("SIGTERM", stop);
}

main().catch((error: unknown) => {
  process.stderr.write(`gate: ${(error as Error).message}\n`);
  process.exit(1);
});
