import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { configKey } from "../config/region-names";
import { type ControllerConfig, readControllerConfig } from "../controller/controller-config";
import { Tokens } from "../controller/tokens";
import { systemClock } from "../protocol/clock";
import { ConsulAgent } from "../test/cluster/consul-agent";
import { ChildProgram } from "./child-program";
import { EXPERIENCE, fixedFleetToml, REGION, SECRETS } from "./fixed-fleet";
import { freePorts } from "../protocol/free-ports";
import type { RegionProgramConfig } from "./region-program";

export interface TwoControllersOptions {
  readonly folder: string;
  /** `region-program`, bundled. */
  readonly program: string;
  /** Consul's own program. */
  readonly consul: string;
  readonly servers: number;
  readonly seats: number;
}

interface Replica {
  readonly name: string;
  readonly url: string;
  readonly config: RegionProgramConfig;
  child: ChildProgram;
}

const NODE = "node-0";
const WITHIN_MS = 60_000;

/**
 * A region with two controllers that find out by a real Consul who leads, each a process of its own, and a real agent with
 * its journal; the servers are virtual.
 */
export class TwoControllers {
  private constructor(
    readonly replicas: readonly [Replica, Replica],
    private readonly agent: ChildProgram,
    private readonly consul: ConsulAgent,
    private readonly options: TwoControllersOptions,
    /** An allocator's. */
    readonly token: string,
    readonly journalDir: string,
  ) {}

  static async start(options: TwoControllersOptions): Promise<TwoControllers> {
    const { folder, program } = options;
    mkdirSync(folder, { recursive: true });
    const consul = await ConsulAgent.start(options.consul, folder);
    const toml = fixedFleetToml(options.servers, options.seats);
    const links: string[] = [];
    const replica = async (name: string): Promise<Replica> => {
      const [api = 0, link = 0] = await freePorts(2);
      links.push(`127.0.0.1:${link}`);
      const controller = controllerConfig(folder, name, api, link, consul.address, toml);
      const config = { controller, agents: [], nodeIds: [NODE], engineDir: join(folder, "engine") };
      return { name, url: `http://127.0.0.1:${api}`, config, child: ChildProgram.start(program) };
    };
    const replicas = [await replica("first"), await replica("second")] as const;
    const agent = ChildProgram.start(program);
    const journalDir = join(folder, "journal");
    const { token } = new Tokens(SECRETS.token, systemClock).mint({ sub: "bench", role: "operator", regions: ["*"] });
    const region = new TwoControllers([...replicas], agent, consul, options, token, journalDir);
    try {
      await consul.call("PUT", `/v1/kv/${configKey(REGION)}`, toml);
      for (const { child, config } of replicas) await child.ask("start", config);
      await agent.ask("start", { agents: [agentConfig(journalDir, links)], nodeIds: [NODE] });
      return region;
    } catch (error) {
      await region.stop();
      throw error;
    }
  }

  /** Resolves with who leads, once one does and has all its servers ready. @throws {Error} where that takes a minute */
  async leader(): Promise<Replica> {
    const deadlineMs = performance.now() + WITHIN_MS;
    while (performance.now() < deadlineMs) {
      for (const replica of this.replicas) if (await this.leads(replica)) return replica;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error("no controller leads with all servers ready after a minute");
  }

  /** A process that was killed starts again. */
  async revive(replica: Replica): Promise<void> {
    replica.child = ChildProgram.start(this.options.program);
    await replica.child.ask("start", replica.config);
  }

  async stop(): Promise<void> {
    await Promise.all([this.agent.stop(), ...this.replicas.map(({ child }) => child.stop())]);
    await this.consul.end();
  }

  private async leads({ url }: Replica): Promise<boolean> {
    try {
      const gauges = await (await fetch(`${url}/metrics`)).text();
      if (!/^forge_leader\{[^}]*\} 1$/m.test(gauges)) return false;
      const headers = { authorization: `Bearer ${this.token}` };
      const answer = await fetch(`${url}/v1/fleets/${EXPERIENCE}?region=${REGION}`, { headers });
      const { servers } = (await answer.json()) as { servers?: { ready?: number } };
      return (servers?.ready ?? 0) >= this.options.servers;
    } catch {
      return false;
    }
  }
}

function controllerConfig(
  folder: string,
  name: string,
  api: number,
  link: number,
  consul: string,
  toml: string,
): ControllerConfig {
  const url = `http://127.0.0.1:${api}`;
  const config = {
    region: REGION,
    controllerId: name,
    config: { kind: "carried", base64: Buffer.from(toml).toString("base64") },
    dataDir: join(folder, name),
    api: { host: "127.0.0.1", port: api },
    publicUrl: url,
    agentListen: `127.0.0.1:${link}`,
    regions: [{ name: REGION, url }],
    consul: { address: consul },
    secrets: { kind: "inline", ...SECRETS },
    // The engine double takes its place.
    engine: { kind: "nomad", address: "http://127.0.0.1:1" },
    logLevel: "error",
  };
  return readControllerConfig(JSON.stringify(config), "the benchmark");
}

function agentConfig(journalDir: string, controllers: readonly string[]): RegionProgramConfig["agents"][number] {
  return {
    nodeId: NODE,
    region: REGION,
    journalDir,
    controllers: [...controllers],
    gateSocket: `${journalDir}.sock`,
    secrets: { kind: "inline", shared: SECRETS.shared, ticket: SECRETS.ticket },
    node: {
      address: "127.0.0.1",
      cpu: 1_000_000,
      memory: 1_000_000,
      limits: { cpu: false, memory: false, detail: "virtual servers need none" },
    },
    logLevel: "error",
  };
}
