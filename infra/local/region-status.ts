import { CA_FILE } from "../tls/certificates";
import { runningAgent } from "./agent-process";
import { AGENT_NAMES, agentArguments, type AgentName, type LocalRegion } from "./agent-plan";
import { askReady, type Readiness } from "./readiness";
import { regionAddresses, regionClients } from "./region-clients";
import { readIfThere } from "./region-folder";

export interface AgentStatus {
  readonly name: AgentName;
  /** `down`: there is no process. `silent`: there is one that does not answer. `leaderless`: it answers and has no leader. */
  readonly state: Readiness | "down";
  readonly pid?: number;
}

export interface RegionStatus {
  readonly region: string;
  /** Where its systems answer, whether they do or not. */
  readonly addresses: ReturnType<typeof regionAddresses>;
  /** PEM file that their certificates come from. */
  readonly ca: string;
  readonly agents: readonly AgentStatus[];
}

/** What of a region runs just now. */
export async function regionStatus({ name, folder, ports }: LocalRegion): Promise<RegionStatus> {
  const clients = regionClients(ports, readIfThere(folder.tls(CA_FILE)) ?? "");
  try {
    const agents = await Promise.all(
      AGENT_NAMES.map(async (agent): Promise<AgentStatus> => {
        const spec = { pidFile: folder.run(`${agent}.json`), args: agentArguments(folder, agent) };
        const running = runningAgent(spec);
        if (running === undefined) return { name: agent, state: "down" };
        return { name: agent, state: await askReady(agent, clients), pid: running.pid };
      }),
    );
    return { region: name, addresses: regionAddresses(ports), ca: folder.tls(CA_FILE), agents };
  } finally {
    await clients.close();
  }
}
