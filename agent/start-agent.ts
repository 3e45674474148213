import { Consul } from "../clients/consul";
import { openCertificate } from "../clients/live-certificate";
import { openSecrets } from "../clients/run-secrets";
import { Agent } from "./agent";
import type { AgentDeps } from "./agent-deps";
import type { AgentConfig } from "./agent-config";
import { ServerRegistrations } from "./consul/server-registrations";
import { dialControllers, dialGates, type DialDeps } from "./dial";

export type StartAgentDeps = Omit<AgentDeps, "nodeId" | "region" | "journalDir" | "ticketSecret" | "node"> &
  DialDeps & {
    readonly env: Readonly<Record<string, string | undefined>>;
  };

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
  const { clock, random, log } = deps;
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
  const closeClients = async (): Promise<void> => {
    await consul?.close();
    await certificate?.close();
    await secrets.close();
  };
  const agent = await Agent.start({ ...deps, nodeId, region, journalDir, ticketSecret, node, observer }).catch(
    async (error: unknown) => {
      await closeClients();
      throw error;
    },
  );
  secrets.subscribe(() => agent.ticketSecretChanged());
  observer?.start();
  const dialler = { agent, secrets, certificate, consul, onConsulTrouble: says("controllers") };
  // The gate first: a controller that hears that a server is there should find its streams known.
  const gates = dialGates(config, deps, dialler);
  const controllers = dialControllers(config, deps, dialler);
  return {
    agent,
    close: async () => {
      // The agent first, so that its last words still find a channel.
      const closed = agent.close();
      gates?.close();
      for (const dialling of controllers) dialling.close();
      observer?.close();
      await closed;
      await closeClients();
    },
  };
}
