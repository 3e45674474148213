import { join } from "node:path";
import type { ForgeConfig } from "../../config/config";
import { LOCAL_PORTS, regionPorts, type PortRange } from "../../controller/adapters/embedded/ports";

/** The contract: 7700 on a local run, the next regions on the next ports. */
export const BASE_PORT = 7700;

export interface PlannedRegion {
  readonly name: string;
  readonly location: readonly [number, number] | undefined;
  readonly nodeId: string;
  readonly controllerId: string;
  readonly port: number;
  readonly url: string;
  readonly serverPorts: PortRange;
  /** Of this region's controller and agent: epoch, journal. */
  readonly controllerDir: string;
  readonly journalDir: string;
  /** Used between processes only. */
  readonly agentSocket: string;
  readonly gateSocket: string;
}

/** Where everything of a local run is, before anything is started. */
export interface RunPlan {
  readonly configFile: string;
  /** Logs, sockets, journals: of this run, wiped at the start of the next. */
  readonly runDir: string;
  /** Worlds' volumes: kept from run to run. */
  readonly dataDir: string;
  readonly home: string;
  readonly regions: readonly PlannedRegion[];
}

export interface PlanOptions {
  readonly configFile: string;
  /** The folder of forge.toml: `.forge` goes in there. */
  readonly folder: string;
  readonly home: string;
  /** Short: sockets' paths must fit into 100 bytes. */
  readonly socketDir: string;
  /** One port a region. */
  readonly ports: readonly number[];
}

export function planRun(config: ForgeConfig, { configFile, folder, home, socketDir, ports }: PlanOptions): RunPlan {
  const runDir = join(folder, ".forge", "run");
  const count = config.regions.length;
  return {
    configFile,
    runDir,
    dataDir: join(folder, ".forge", "data"),
    home,
    regions: config.regions.map(({ name, location }, index) => {
      const port = ports[index] ?? BASE_PORT + index;
      return {
        name,
        location,
        nodeId: `${name}-local`,
        controllerId: `${name}-controller-0`,
        port,
        url: `http://127.0.0.1:${String(port)}`,
        serverPorts: regionPorts(index, count, LOCAL_PORTS),
        controllerDir: join(runDir, "controllers", name),
        journalDir: join(runDir, "agents", name),
        agentSocket: join(socketDir, `controller-${String(index)}.sock`),
        gateSocket: join(socketDir, `gate-${String(index)}.sock`),
      };
    }),
  };
}
