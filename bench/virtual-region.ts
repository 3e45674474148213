import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { request } from "undici";
import type { AgentConfig } from "../agent/agent-config";
import type { ControllerConfig } from "../controller/controller-config";
import { Tokens } from "../controller/tokens";
import { systemClock } from "../protocol/clock";
import { ChildProgram } from "./child-program";
import { freePort } from "./free-port";
import type { RegionProgramConfig } from "./region-program";

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
  /** With gate doubles beside the agents; without, each agent dials `gateSocketOf(its number)`. */
  readonly virtualSdk: boolean;
  readonly nodeOptions?: readonly string[];
}

interface ServerRow {
  readonly id: string;
  readonly state: string;
  readonly players: number;
  readonly maxPlayers: number;
}

export const EXPERIENCE = "arena";
export const BENCH_SECRET = "what the programs of this benchmark share";
const REGION = "bench";
const READY_WITHIN_MS = 30_000;

export function gateSocketOf(folder: string, node: number): string {
  return join(folder, `gate-${node}.sock`);
}

/** A region whose servers exist on paper only; all that is Forge's own is real. */
export class VirtualRegion {
  private constructor(
    readonly port: number,
    /** Of an allocator, for any region. */
    readonly token: string,
    /** Controller first, then agents, where they are apart. */
    readonly programs: readonly { readonly name: string; readonly child: ChildProgram }[],
    readonly journalDirs: readonly string[],
  ) {}

  /** Resolves when the API answers; servers are on their way then. */
  static async start(options: VirtualRegionOptions): Promise<VirtualRegion> {
    const { folder, program, nodes, apart, virtualSdk, nodeOptions } = options;
    mkdirSync(folder, { recursive: true });
    const port = await freePort();
    const nodeIds = Array.from({ length: nodes }, (_, n) => `node-${n}`);
    const controller = controllerConfig(options, port);
    const agents = nodeIds.map((nodeId, n) => agentConfig(folder, nodeId, n));
    const parts: { name: string; config: RegionProgramConfig }[] = apart
      ? [
          { name: "controller", config: { controller, agents: [], nodeIds, virtualSdk } },
          ...agents.map((agent) => ({ name: agent.nodeId, config: { agents: [agent], nodeIds, virtualSdk } })),
        ]
      : [{ name: "controller and agents", config: { controller, agents, nodeIds, virtualSdk } }];
    const programs = parts.map(({ name }) => ({ name, child: ChildProgram.start(program, nodeOptions) }));
    const tokens = new Tokens(controller.tokenKey, systemClock);
    const { token } = tokens.mint({ sub: "matchmaker", role: "allocator", regions: ["*"] });
    const region = new VirtualRegion(
      port,
      token,
      programs,
      agents.map(({ journalDir }) => journalDir),
    );
    try {
      for (const [n, { child }] of programs.entries()) await child.ask("start", parts[n]?.config);
    } catch (error) {
      await region.stop();
      throw error;
    }
    return region;
  }

  /** @throws {Error} where not all were ready in time */
  async untilReady(servers: number): Promise<void> {
    const deadlineMs = performance.now() + READY_WITHIN_MS;
    for (;;) {
      const ready = (await this.servers()).filter(({ state }) => state === "ready").length;
      if (ready >= servers) return;
      if (performance.now() > deadlineMs) throw new Error(`${ready} of ${servers} servers were ready in time`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  async servers(): Promise<readonly ServerRow[]> {
    const rows: ServerRow[] = [];
    let next: string | null = "";
    while (next !== null) {
      const page: { items: ServerRow[]; next: string | null } = await this.get(
        `/v1/servers?limit=1000${next === "" ? "" : `&cursor=${encodeURIComponent(next)}`}`,
      );
      rows.push(...page.items);
      ({ next } = page);
    }
    return rows;
  }

  async stop(): Promise<void> {
    await Promise.all(this.programs.map(({ child }) => child.stop()));
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

function controllerConfig({ folder, servers, seats, apart }: VirtualRegionOptions, port: number): ControllerConfig {
  const configFile = join(folder, "forge.toml");
  writeFileSync(configFile, forgeToml(servers, seats));
  return {
    region: REGION,
    controllerId: "bench-controller",
    configFile,
    dataDir: join(folder, "controller"),
    api: { host: "127.0.0.1", port },
    regions: [{ name: REGION, url: `http://127.0.0.1:${port}` }],
    ...(apart ? { agentSocket: join(folder, "controller.sock") } : {}),
    secret: BENCH_SECRET,
    ticketSecret: "for the tickets of this benchmark only",
    tokenKey: "for the tokens of this benchmark only",
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
    gateSocket: gateSocketOf(folder, n),
    secret: BENCH_SECRET,
    ticketSecret: "for the tickets of this benchmark only",
    node: {
      address: "127.0.0.1",
      cpu: 1_000_000,
      memory: 1_000_000,
      limits: { cpu: false, memory: false, detail: "virtual servers need none" },
    },
    logLevel: "warn",
  };
}

/** A fleet that neither grows nor shrinks. */
function forgeToml(servers: number, seats: number): string {
  return `
[scaling]
min_servers_per_region = ${servers}
max_servers_per_region = ${servers}
target_players_per_server = ${seats}
[health]
check_interval_secs = 10
[[regions]]
name = "${REGION}"
engine = "embedded"
[experiences.${EXPERIENCE}]
command = "true"
version = "1.0.0"
max_players = ${seats}
ports = { game = "udp" }
[experiences.${EXPERIENCE}.scaling]
min_servers = ${servers}
max_servers = ${servers}
`;
}
