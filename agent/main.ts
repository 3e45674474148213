import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import pino from "pino";
import { programInput } from "../clients/program-input";
import { systemClock } from "../protocol/clock";
import { readAgentConfig, type AgentConfig } from "./agent-config";
import { nodeWorld, type NodeWorldOptions } from "./node-world";
import { startAgent } from "./start-agent";

/** Raised when what the agent does changes; controllers see it in the hello. */
const AGENT_VERSION = "1";

/** `agent CONFIG.json`: runs until SIGTERM or SIGINT. `programInput` says where else it may be told. */
async function main(): Promise<void> {
  const read = (file: string | 0): string => readFileSync(file, "utf8");
  const { text, source } = programInput("agent", { argv: process.argv, env: process.env, read });
  const config = readAgentConfig(text, source);
  const log = pino({ name: "agent", level: config.logLevel, base: { pid: process.pid } }, pino.destination(2));
  const world = nodeWorld(systemClock, log, worldOptions(config));
  const running = startAgent(config, { ...world, agentVersion: AGENT_VERSION });
  // Every timer lets the process end; while it has nothing but timers, this keeps it.
  const stay = setInterval(() => undefined, 2 ** 30);

  const stop = async (signal: string): Promise<void> => {
    log.info({ signal }, "agent is stopping; its servers go on");
    clearInterval(stay);
    await (await running).close();
    process.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => void stop(signal));
  await running;
}

/** Where Nomad counts in MHz, a core is worth its share of what Nomad says that the node has. */
function worldOptions({ processes, node, journalDir: folder }: AgentConfig): NodeWorldOptions {
  return processes !== "find" ? { folder } : { folder, findProcesses: true, mhzPerCore: node.cpu / cpus().length };
}

main().catch((error: unknown) => {
  process.stderr.write(`agent: ${(error as Error).message}\n`);
  process.exit(1);
});
