import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import type { AgentConfig } from "../../agent/agent-config";
import type { GateConfig } from "../../agent/gate/gate-config";
import type { LimitsDescription } from "../../controller/adapters/embedded/root-protocol";
import type { ControllerConfig } from "../../controller/controller-config";
import type { PlannedRegion, RunPlan } from "./run-plan";
import type { RunSecrets } from "./run-secrets";

const MHZ_PER_CORE = 1000;
const BYTES_PER_MIB = 1024 * 1024;

export interface RootAccess {
  readonly socketPath: string;
  readonly secret: string;
}

/** What each program of a region is told; the same whether it runs in this process or in one of its own. */
export function controllerConfigOf(
  plan: RunPlan,
  region: PlannedRegion,
  secrets: RunSecrets,
  root: RootAccess,
  between: "memory" | "sockets",
): ControllerConfig {
  return {
    region: region.name,
    controllerId: region.controllerId,
    config: { kind: "file", path: plan.configFile, baseDir: plan.baseDir },
    dataDir: region.controllerDir,
    api: { host: "127.0.0.1", port: region.port },
    regions: plan.known.map(({ name, url, location }) => ({
      name,
      url,
      ...(location ? { location: [...location] } : {}),
    })),
    ...(between === "sockets" ? { agentListen: region.agentSocket } : {}),
    secrets: { kind: "inline", ...secrets },
    engine: {
      kind: "embedded",
      rootSocket: root.socketPath,
      rootSecret: root.secret,
      runDir: plan.runDir,
      dataDir: plan.dataDir,
      home: plan.home,
      ports: { ...region.serverPorts },
    },
    dashboardDir: join(plan.home, "dist", "dashboard"),
    logLevel: "info",
  };
}

export function agentConfigOf(region: PlannedRegion, secrets: RunSecrets, limits: LimitsDescription): AgentConfig {
  return {
    nodeId: region.nodeId,
    region: region.name,
    journalDir: region.journalDir,
    controllers: [region.agentSocket],
    gateSocket: region.gateSocket,
    secrets: { kind: "inline", shared: secrets.shared, ticket: secrets.ticket },
    node: {
      address: "127.0.0.1",
      cpu: cpus().length * MHZ_PER_CORE,
      memory: Math.floor(totalmem() / BYTES_PER_MIB),
      limits,
    },
    logLevel: "info",
  };
}

export function gateConfigOf(region: PlannedRegion, secrets: RunSecrets): GateConfig {
  return {
    agentSocket: region.gateSocket,
    secrets: { kind: "inline", shared: secrets.shared },
    logLevel: "info",
  };
}
