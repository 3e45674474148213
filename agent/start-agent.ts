import { openSecrets } from "../clients/run-secrets";
import { parseAddress } from "../protocol/address";
import { agentCodec, agentGateCodec } from "../protocol/codec";
import { dialSocket, type Dialling } from "../protocol/socket-dialler";
import { Agent, type AgentDeps } from "./agent";
import type { AgentConfig } from "./agent-config";
import type { ControllerChannel } from "./controller-links";
import type { GateChannel } from "./gate-links";

export interface StartAgentDeps extends Omit<AgentDeps, "nodeId" | "region" | "journalDir" | "ticketSecret" | "node"> {
  /** 0 to 1, for jitter. */
  readonly random: () => number;
  /** Keeps a channel to each controller; over sockets unless told. */
  readonly dialControllers?: (onChannel: (channel: ControllerChannel) => void) => Dialling;
  /** Keeps a channel to the gate; over a socket unless told. */
  readonly dialGate?: (onChannel: (channel: GateChannel) => void) => Dialling;
}

export interface RunningAgent {
  readonly agent: Agent;
  /** Resolves when nothing of it is left; the servers go on. */
  close(): Promise<void>;
}

/** What both ways of running it need of the configuration; addresses only where it dials sockets. */
export type StartAgentConfig = Pick<AgentConfig, "nodeId" | "region" | "journalDir" | "secrets" | "node"> &
  Partial<Pick<AgentConfig, "controllers" | "gateSocket">>;

/**
 * Starts an agent and connects it to its gate and its controllers: over sockets as a program of its own, or over whatever
 * `deps` dials within one process.
 * @throws as `Agent.start` does
 */
export async function startAgent(config: StartAgentConfig, deps: StartAgentDeps): Promise<RunningAgent> {
  const { nodeId, region, journalDir, node } = config;
  const { clock, random, log, dialControllers, dialGate } = deps;
  const secrets = openSecrets(config.secrets, ["shared", "ticket"]);
  const ticketSecret = secrets.now.ticket[0];
  const agent = await Agent.start({ ...deps, nodeId, region, journalDir, ticketSecret, node });
  const options = { secret: () => secrets.now.shared, clock, random };
  const dialled: Dialling[] = [];
  const failure = (where: string): ((reason: string) => void) =>
    occasionally((reason) => log.warn({ where, reason }, "not connected; trying on"));

  // The gate first: a controller that hears that a server is there should find its streams known.
  if (dialGate) dialled.push(dialGate((channel) => agent.attachGate(channel)));
  else if (config.gateSocket !== undefined) {
    const how = { ...options, codec: agentGateCodec, onFailure: failure("gate") };
    dialled.push(dialSocket(parseAddress(config.gateSocket), how, (channel) => agent.attachGate(channel)));
  }
  if (dialControllers) dialled.push(dialControllers((channel) => agent.attachController(channel)));
  const { controllers = [] } = config;
  if (!Array.isArray(controllers)) throw new Error("controllers cannot be found through Consul yet");
  for (const address of dialControllers ? [] : controllers) {
    const how = { ...options, codec: agentCodec, onFailure: failure(`controller ${address}`) };
    dialled.push(dialSocket(parseAddress(address), how, (channel) => agent.attachController(channel)));
  }
  return {
    agent,
    close: async () => {
      // The agent first, so that its last words still find a channel.
      const closed = agent.close();
      for (const dialling of dialled) dialling.close();
      await closed;
      await secrets.close();
    },
  };
}

/** The first of a row of equal reasons, and each hundredth: a controller that is away for an hour fills no log. */
function occasionally(log: (reason: string) => void): (reason: string) => void {
  let last = "";
  let times = 0;
  return (reason) => {
    times = reason === last ? times + 1 : 0;
    last = reason;
    if (times % 100 === 0) log(reason);
  };
}
