import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { request } from "undici";
import type { AgentConfig } from "../agent/agent-config";
import type { GateConfig } from "../agent/gate/gate-config";
import { PROGRAM_START } from "../config/program-start";
import type { ControllerConfig } from "../controller/controller-config";
import { Tokens } from "../controller/tokens";
import { systemClock } from "../protocol/clock";
import { ChildProgram } from "./child-program";
import { EXPERIENCE, fixedFleetToml, REGION, SECRETS } from "./fixed-fleet";
import { freePort } from "../protocol/free-ports";
import { PlainProgram } from "./plain-program";
import type { RegionProgramConfig } from "./region-program";
import type { SdkAddress } from "./sdk-clients-program";

export interface VirtualRegionOptions {
  /** For journals, sockets and configurations; its path must be short enough for a socket's. */
  readonly folder: string;
  /** `region-program`, bundled. */
  readonly program: string;
  readonly servers: number;
  /** Of each server. */
  readonly seats: number;
  readonly nodes: number;
  /** Controller and each agent in a process of its own; together in one where not. */
  readonly apart: boolean;
  /** Bundled: `agent/main.ts` and `agent/gate/main.ts`. With them, a real gate stands by each agent, else a double. */
  readonly real?: { readonly agent: string; readonly gate: string };
  readonly nodeOptions?: readonly string[];
  /** More of its forge.toml: whole sections. */
  readonly toml?: string;
}

export interface ServedProgram {
  readonly name: string;
  readonly child: ChildProgram | PlainProgram;
}

interface ServerRow {
  readonly id: string;
  readonly nodeId: string | null;
  readonly state: string;
  readonly players: number;
  readonly maxPlayers: number;
}

interface FleetRow {
  readonly servers: { readonly ready: number };
  readonly seats: { readonly held: number };
}

const READY_WITHIN_MS = 30_000;
const LOOK_MS = 200;

/** A region whose servers exist on paper only; all that is Forge's own is real. */
export class VirtualRegion {
  /** Of an allocator, for any region. */
  readonly token: string;
  /** Stopped by SIGSTOP, so not to be asked to close. */
  private readonly silenced = new Set<ChildProgram>();

  private constructor(
    readonly port: number,
    private readonly tokens: Tokens,
    /** The one that holds the controller first. */
    readonly programs: ServedProgram[],
    readonly journalDirs: readonly string[],
  ) {
    this.token = tokens.mint({ sub: "matchmaker", role: "allocator", regions: ["*"] }).token;
  }

  /** Resolves when the API answers; servers are on their way then. */
  static async start(options: VirtualRegionOptions): Promise<VirtualRegion> {
    const { folder, program, nodes, apart, real, nodeOptions = [] } = options;
    mkdirSync(folder, { recursive: true });
    const port = await freePort();
    const nodeIds = Array.from({ length: nodes }, (_, n) => `node-${n}`);
    const controller = controllerConfig(options, port);
    const agents = nodeIds.map((nodeId, n) => agentConfig(folder, nodeId, n));
    const tokens = new Tokens(SECRETS.token, systemClock);
    const programs: ServedProgram[] = [];
    const journalDirs = agents.map(({ journalDir }) => journalDir);
    const region = new VirtualRegion(port, tokens, programs, journalDirs);
    const host = async (name: string, config: RegionProgramConfig): Promise<void> => {
      const start = PROGRAM_START[config.controller ? "controller" : "agent"];
      const child = ChildProgram.start(program, { ...start, nodeOptions: [...start.nodeOptions, ...nodeOptions] });
      programs.push({ name, child });
      await child.ask("start", config);
    };
    try {
      if (!apart && !real) {
        await host("controller and agents", { controller, agents, nodeIds });
        return region;
      }
      await host("controller", { controller, agents: [], nodeIds });
      for (const agent of agents) {
        if (real) programs.push(...realPrograms(folder, agent, real));
        else await host(agent.nodeId, { agents: [agent], nodeIds });
      }
      return region;
    } catch (error) {
      await region.stop();
      throw error;
    }
  }

  /** The process that holds the controller. @throws {Error} where it never started */
  get controller(): ChildProgram {
    const child = this.programs[0]?.child;
    if (!(child instanceof ChildProgram)) throw new Error("the region has no controller");
    return child;
  }

  /** Processes with an agent and its servers, where they are apart from the controller's. */
  get agents(): readonly ChildProgram[] {
    return this.programs.slice(1).flatMap(({ child }) => (child instanceof ChildProgram ? [child] : []));
  }

  /** Where the SDKs of so many servers find their gates. @throws {Error} where not all were placed in time */
  async untilPlaced(servers: number): Promise<readonly SdkAddress[]> {
    const { controller } = this;
    let addresses: readonly SdkAddress[] = [];
    await inTime(async () => {
      addresses = await controller.ask<SdkAddress[]>("sdkAddresses");
      return addresses.length >= servers ? undefined : `${addresses.length} of ${servers} servers were placed`;
    });
    return addresses;
  }

  /** @throws {Error} where not all were ready in time */
  async untilReady(servers: number, withinMs = READY_WITHIN_MS): Promise<void> {
    await inTime(async () => {
      const { ready } = (await this.fleet()).servers;
      return ready >= servers ? undefined : `${ready} of ${servers} servers were ready`;
    }, withinMs);
  }

  async fleet(): Promise<FleetRow> {
    return this.get(`/v1/fleets/${EXPERIENCE}?region=${REGION}`);
  }

  playerToken(playerId: string): string {
    return this.tokens.mint({ sub: playerId, role: "player", regions: ["*"] }).token;
  }

  async servers(): Promise<readonly ServerRow[]> {
    const rows: ServerRow[] = [];
    let next: string | null = "";
    while (next !== null) {
      const page: { items: ServerRow[]; next: string | null } = await this.get(
        `/v1/servers?limit=1000${next === "" ? "" : `&after=${encodeURIComponent(next)}`}`,
      );
      rows.push(...page.items);
      ({ next } = page);
    }
    return rows;
  }

  /** SIGSTOP to a node's agent and its servers, which are apart: as where their machine is gone. @returns what ends them */
  silence(nodeId: string): () => void {
    const at = this.programs.findIndex(({ name }) => name === nodeId);
    const [{ child } = { child: undefined }] = at < 0 ? [] : this.programs.splice(at, 1);
    if (!(child instanceof ChildProgram)) throw new Error(`${nodeId} has no process of its own`);
    process.kill(child.pid, "SIGSTOP");
    this.silenced.add(child);
    return () => this.end(child);
  }

  /** The engine says that a node is down. */
  async nodeDown(nodeId: string): Promise<void> {
    await this.controller.ask("nodeDown", { nodeId });
  }

  async stop(): Promise<void> {
    for (const child of this.silenced) this.end(child);
    await Promise.all(this.programs.map(({ child }) => child.stop()));
  }

  private end(silenced: ChildProgram): void {
    if (this.silenced.delete(silenced)) process.kill(silenced.pid, "SIGKILL");
  }

  private async get<T>(path: string): Promise<T> {
    const { statusCode, body } = await request(`http://127.0.0.1:${this.port}${path}`, {
      headers: { authorization: `Bearer ${this.token}` },
    });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`GET ${path} answered ${statusCode}: ${text}`);
    return JSON.parse(text) as T;
  }
}

/** @param look says what is missing still */
async function inTime(look: () => Promise<string | undefined>, withinMs = READY_WITHIN_MS): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  for (let missing = await look(); missing !== undefined; missing = await look()) {
    if (performance.now() > deadlineMs) throw new Error(`${missing} after ${withinMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** A node's gate and agent as they are shipped, over sockets. */
function realPrograms(
  folder: string,
  agent: AgentConfig,
  scripts: NonNullable<VirtualRegionOptions["real"]>,
): ServedProgram[] {
  const { gateSocket } = agent;
  if (typeof gateSocket !== "string") throw new Error("a bench's gate has one socket");
  const gate: GateConfig = {
    agentSocket: gateSocket,
    secrets: { kind: "inline", shared: SECRETS.shared },
    logLevel: "warn",
  };
  const file = (name: string): string => join(folder, `${name}.${agent.nodeId}.json`);
  return [
    { name: "gate", child: PlainProgram.start("gate", scripts.gate, file("gate"), gate) },
    { name: "agent", child: PlainProgram.start("agent", scripts.agent, file("agent"), agent) },
  ];
}

function controllerConfig(
  { folder, servers, seats, apart, real, toml = "" }: VirtualRegionOptions,
  port: number,
): ControllerConfig {
  const configFile = join(folder, "forge.toml");
  writeFileSync(configFile, fixedFleetToml(servers, seats) + toml);
  return {
    region: REGION,
    controllerId: "bench-controller",
    config: { kind: "file", path: configFile },
    dataDir: join(folder, "controller"),
    api: { host: "127.0.0.1", port },
    regions: [{ name: REGION, url: `http://127.0.0.1:${port}` }],
    ...(apart || real ? { agentListen: join(folder, "controller.sock") } : {}),
    secrets: { kind: "inline", ...SECRETS },
    // The engine double takes its place.
    engine: {
      kind: "embedded",
      rootSocket: join(folder, "no-root.sock"),
      rootSecret: "none",
      runDir: folder,
      dataDir: folder,
      home: folder,
      ports: { first: 20_000, last: 29_999 },
    },
    logLevel: "warn",
  };
}

function agentConfig(folder: string, nodeId: string, n: number): AgentConfig {
  return {
    nodeId,
    region: REGION,
    journalDir: join(folder, "journals", nodeId),
    controllers: [join(folder, "controller.sock")],
    gateSocket: join(folder, `gate-${n}.sock`),
    secrets: { kind: "inline", shared: SECRETS.shared, ticket: SECRETS.ticket },
    node: {
      address: "127.0.0.1",
      cpu: 1_000_000,
      memory: 1_000_000,
      limits: { cpu: false, memory: false, detail: "virtual servers need none" },
    },
    logLevel: "warn",
  };
}
