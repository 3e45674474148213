import { Consul } from "../clients/consul";
import { openCertificate } from "../clients/live-certificate";
import { openSecrets } from "../clients/run-secrets";
import { parseAddress } from "../protocol/address";
import { agentCodec, agentGateCodec } from "../protocol/codec";
import { dialSocket, type Dialling } from "../protocol/socket-dialler";
import { Agent } from "./agent";
import type { AgentDeps } from "./agent-deps";
import type { AgentConfig } from "./agent-config";
import { followControllers } from "./consul/controller-directory";
import { ServerRegistrations } from "./consul/server-registrations";
import type { ControllerChannel } from "./controller-links";
import { followGateFolder } from "./gate-folder";
import type { GateChannel } from "./gate-links";

export interface StartAgentDeps extends Omit<AgentDeps, "nodeId" | "region" | "journalDir" | "ticketSecret" | "node"> {
  /** 0 to 1, for jitter. */
  readonly random: () => number;
  readonly env: Readonly<Record<string, string | undefined>>;
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
  Partial<Pick<AgentConfig, "controllers" | "gateSocket" | "consul" | "tls">>;

/**
 * Starts an agent and connects it to its gate and its controllers: over sockets as a program of its own, or over whatever
 * `deps` dials within one process.
 * @throws as `Agent.start` does
 */
export async function startAgent(config: StartAgentConfig, deps: StartAgentDeps): Promise<RunningAgent> {
  const { nodeId, region, journalDir, node } = config;
  const { clock, random, log, dialControllers, dialGate } = deps;
  const secrets = await openSecrets(config.secrets, ["shared", "ticket"], deps);
  const certificate = config.tls && (await openCertificate(config.tls, deps));
  const consul = config.consul && new Consul(config.consul, deps);
  const says = (what: string) => (problem: string | undefined) => {
    if (problem === undefined) log.info({ what }, "Consul answers again");
    else log.warn({ what, problem }, "Consul does not answer; trying on");
  };
  const observer =
    consul && new ServerRegistrations({ consul, nodeId, clock, random, onTrouble: says("game servers") });
  const ticketSecret = (): readonly [string, ...string[]] => secrets.now.ticket;
  const agent = await Agent.start({ ...deps, nodeId, region, journalDir, ticketSecret, node, observer });
  secrets.subscribe(() => agent.ticketSecretChanged());
  observer?.start();
  const options = { secret: () => secrets.now.shared, clock, random };
  const dialled: Dialling[] = [];
  const failure = (where: string): ((reason: string) => void) =>
    occasionally((reason) => log.warn({ where, reason }, "not connected; trying on"));

  const dialGateAt = (socket: string, heard: (reason: string) => void = () => undefined): Dialling => {
    const log = failure(`gate ${socket}`);
    const onFailure = (reason: string): void => {
      log(reason);
      heard(reason);
    };
    const how = { ...options, codec: agentGateCodec, onFailure };
    return dialSocket(parseAddress(socket), how, (channel) => agent.attachGate(channel));
  };
  const dialGates = (where: NonNullable<StartAgentConfig["gateSocket"]>): Dialling =>
    typeof where === "string" ? dialGateAt(where) : followGateFolder({ ...where, clock, dial: dialGateAt });

  // The gate first: a controller that hears that a server is there should find its streams known.
  if (dialGate) dialled.push(dialGate((channel) => agent.attachGate(channel)));
  else if (config.gateSocket !== undefined) dialled.push(dialGates(config.gateSocket));
  if (dialControllers) dialled.push(dialControllers((channel) => agent.attachController(channel)));
  const { controllers = [] } = config;
  const dial = (address: string): Dialling => {
    const tls = certificate === undefined ? {} : { tls: () => certificate.now };
    const how = { ...options, ...tls, codec: agentCodec, onFailure: failure(`controller ${address}`) };
    return dialSocket(parseAddress(address), how, (channel, line) => agent.attachController(channel, line));
  };
  if (!dialControllers && Array.isArray(controllers)) dialled.push(...controllers.map(dial));
  else if (!dialControllers && consul)
    dialled.push(followControllers({ region, dial, consul, clock, random, log, onTrouble: says("controllers") }));
  return {
    agent,
    close: async () => {
      // The agent first, so that its last words still find a channel.
      const closed = agent.close();
      for (const dialling of dialled) dialling.close();
      observer?.close();
      await closed;
      await consul?.close();
      await certificate?.close();
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
