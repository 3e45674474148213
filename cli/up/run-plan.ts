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
  /** Where programs that forge.toml names by a relative path are looked for. */
  readonly baseDir: string;
  /** Logs, sockets, journals: of this run, wiped at the start of the next. */
  readonly runDir: string;
  /** Worlds' volumes: kept from run to run. */
  readonly dataDir: string;
  readonly home: string;
  /** Those that this run starts. */
  readonly regions: readonly PlannedRegion[];
  /** All of the forge.toml, by which controllers find each other. */
  readonly known: readonly PlannedRegion[];
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
  /**
   * A region that a deploy starts by itself: where its files go, and the forge.toml that it follows.
   * @default all regions, in `.forge/run`, following `configFile`
   */
  readonly deployed?: DeployedPart | undefined;
}

export interface DeployedPart {
  readonly region: string;
  readonly folder: string;
  readonly configFile: string;
}

export function planRun(config: ForgeConfig, options: PlanOptions): RunPlan {
  const { configFile, folder, home, socketDir, ports, deployed } = options;
  const runDir = deployed === undefined ? join(folder, ".forge", "run") : join(deployed.folder, "run");
  const count = config.regions.length;
  const known = config.regions.map(({ name, location }, index): PlannedRegion => {
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
  });
  return {
    configFile: deployed?.configFile ?? configFile,
    baseDir: folder,
    runDir,
    dataDir: join(folder, ".forge", "data"),
    home,
    known,
    regions: known.filter(({ name }) => deployed === undefined || name === deployed.region),
  };
}
