import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { newRunSecrets, type RunSecrets } from "../../cli/up/run-secrets";
import { HttpJson } from "../../clients/http-json";
import { loadConfig } from "../../config/load";
import { configKey } from "../../config/region-names";
import { placeInNomad } from "../../infra/secrets/place-run-secrets";
import { agentJob } from "../../jobs/agent";
import { controllerJob } from "../../jobs/controller";
import { gameServerJob } from "../../jobs/game-server";
import { gateJob } from "../../jobs/gate";
import type { ProgramJobProps } from "../../jobs/program";
import { renderJob } from "../../jobs/render";
import type { JobSpec } from "../../jobs/spec";
import { ConsulAgent } from "../../test/cluster/consul-agent";
import { Network, type NetHost } from "../network";
import { SmallDisk } from "../small-disk";
import { nodesToml, REGION } from "./forge-toml";
import { Machine } from "./machine";
import { until } from "../../test/until";
import { clientConfig, NOMAD_PORTS, serverConfig } from "./nomad-config";

export interface ClusterOptions {
  readonly folder: string;
  /** Where dist/ is. */
  readonly home: string;
  readonly nomad: string;
  readonly consul: string;
  /** Machines that run controllers, agents, gates and game servers. */
  readonly nodes: number;
  /** An agent of Nomad's ended, and no fault had done it. */
  readonly onDeath: (machine: string, how: string) => void;
}

/** A node of Nomad's as it says itself. */
export interface NomadNodeStatus {
  readonly ID: string;
  readonly Name: string;
  /** `ready`, `disconnected`, `down`, `initializing` */
  readonly Status: string;
}

/** Room for a Nomad client's state and what tasks write, and small enough to be filled at once. */
const DISK = "96m";

/**
 * Real Nomad and Consul on machines of a network: a server of each on one, and Nomad clients on others, with Forge's jobs on
 * all of these. What is struck is a machine, its cable or its disk.
 */
export class NodeCluster {
  readonly machines: Machine[] = [];
  readonly disks = new Map<string, SmallDisk>();
  readonly secrets: RunSecrets = newRunSecrets();

  private constructor(
    private readonly options: ClusterOptions,
    readonly network: Network,
    readonly servers: NetHost,
    readonly consul: ConsulAgent,
    readonly nomad: HttpJson,
    readonly nomadServer: Machine,
  ) {}

  /** Resolves once Nomad's nodes are ready and Forge's jobs are registered. @throws {Error} where a part does not start */
  static async start(options: ClusterOptions): Promise<NodeCluster> {
    const { folder } = options;
    const network = await Network.build();
    const servers = await network.add("servers");
    const consulFolder = join(folder, "consul");
    mkdirSync(consulFolder);
    const { address: host, within } = servers;
    const consul = await ConsulAgent.start(options.consul, consulFolder, { host, within });
    const config = serverConfig(machineProps(folder, servers, consul));
    const server = machineAt(options, servers, config);
    server.program.start();
    const nomad = new HttpJson({ name: "Nomad", address: `http://${servers.address}:${String(NOMAD_PORTS.http)}` });
    const cluster = new NodeCluster(options, network, servers, consul, nomad, server);
    try {
      await cluster.begin();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** The controllers' addresses, whether one is there or not. */
  get urls(): readonly string[] {
    return this.machines.map(({ address }) => `http://${address}:7700`);
  }

  async nodes(): Promise<readonly NomadNodeStatus[]> {
    return this.nomad.json<readonly NomadNodeStatus[]>("GET", "/v1/nodes");
  }

  machine(name: string): Machine {
    const found = this.machines.find((machine) => machine.name === name);
    if (!found) throw new RangeError(`there is no machine "${name}"`);
    return found;
  }

  async stop(): Promise<void> {
    await Promise.all(this.machines.map(({ program }) => program.kill()));
    await this.nomadServer.program.stop();
    await this.consul.end();
    await this.nomad.close();
  }

  private async begin(): Promise<void> {
    const { options, network, servers, consul } = this;
    for (let number = 1; number <= options.nodes; number++) {
      const host = await network.add(`node-${String(number)}`);
      const props = machineProps(options.folder, host, consul);
      this.disks.set(host.name, await SmallDisk.mount(join(options.folder, host.name), DISK));
      this.machines.push(machineAt(options, host, clientConfig(props, servers.address, cgroupParent())));
    }
    for (const { program } of this.machines) program.start();
    await until("Nomad's nodes are ready", async () => {
      const ready = (await this.nodes()).filter(({ Status }) => Status === "ready");
      return ready.length === options.nodes;
    });
    await this.deploy();
  }

  /** What `REGION-jobs` registers, by hand. */
  private async deploy(): Promise<void> {
    const { folder, home, nodes } = this.options;
    const nomadAddress = `http://${this.servers.address}:${String(NOMAD_PORTS.http)}`;
    const consulAddress = this.consul.address;
    const text = nodesToml({ nomadAddress, consulAddress, nodeFolder: nodeFolder(folder), controllers: nodes });
    const file = join(folder, "forge.toml");
    writeFileSync(file, text);
    const { config } = loadConfig({ file, readFile: () => text });
    const [region] = config.regions;
    if (region === undefined) throw new Error("the forge.toml has no region");
    const base = (program: string): ProgramJobProps => ({
      region,
      bundle: { path: join(home, "dist", `${program}.js`) },
      consul: { address: consulAddress },
      secrets: { kind: "nomadVariables" },
      node: process.execPath,
    });
    const gate = gateJob(base("gate"));
    await placeInNomad(this.nomad, { region: REGION, namespace: "default" }, this.secrets, gate.id);
    await this.consul.call("PUT", `/v1/kv/${configKey(REGION)}`, text);
    const games = Object.values(config.experiences).map((experience) =>
      gameServerJob({ region, experience: bare(experience), forgeHome: home }),
    );
    const controller = controllerJob({ ...base("controller"), forgeToml: text, regions: [] });
    for (const job of [gate, agentJob(base("agent")), ...games, controller]) await this.register(job);
  }

  private async register(job: JobSpec): Promise<void> {
    await this.nomad.json("PUT", "/v1/jobs", { body: renderJob(job) });
  }
}

/** Without a chroot: what is struck here is not how drivers keep games apart, and copying one takes seconds. */
function bare<T extends { readonly driver: string; readonly roles: readonly { readonly driver: string }[] }>(
  game: T,
): T {
  return { ...game, driver: "raw_exec", roles: game.roles.map((role) => ({ ...role, driver: "raw_exec" })) };
}

function machineAt({ folder, nomad, onDeath }: ClusterOptions, host: NetHost, config: object): Machine {
  return new Machine({
    host,
    folder: join(folder, host.name),
    nomad,
    config: config as Readonly<Record<string, unknown>>,
    nodeFolder: nodeFolder(folder),
    onDeath: (how) => onDeath(host.name, how),
  });
}

function machineProps(folder: string, { name, address }: NetHost, consul: ConsulAgent) {
  return { name, address, dataDir: join(folder, name, "nomad"), consulAddress: consul.address };
}

function nodeFolder(folder: string): string {
  return join(folder, "on-node");
}

/** Control group of the tasks of this run. */
export function cgroupParent(): string {
  return `forge-chaos-${String(process.pid)}`;
}
