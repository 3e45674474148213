import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { execFile } from "node:child_process";
import { get, type IncomingMessage } from "node:http";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Tokens } from "../../controller/tokens";
import { gameServerJobId, isProgramJob, type RegionProgram } from "../../config/region-names";
import { taskProcesses } from "../../cli/up/task-processes";
import { runSecretsOf } from "../../infra/embedded/run-secrets-file";
import type { RegionClients } from "../../infra/local/region-clients";
import { systemClock } from "../../protocol/clock";
import { ForgeApiError, ForgeController } from "../../sdk/src";
import { ROOT } from "../e2e/run-folder";
import { until } from "../until";
import { LocalHosts } from "./local-hosts";
import { runTerraform } from "./terraform";
import { whoLeads } from "./who-leads";

const REGION = "us-east";
const SERVERS = 2;

/** As of `forge.toml`: servers that end with their SDK stream, so that a break cannot go unseen. */
function games(cpu: number): string {
  return `[scaling]
max_servers_per_region = 12
[experiences.strict]
command = ${JSON.stringify(process.execPath)}
driver = "raw_exec"
args = [${JSON.stringify(join(__dirname, "strict-server.cjs"))}]
max_players = 16
sdk = "forge"
seats = "reported"
cpu = ${String(cpu)}
memory = 64
ports = { game = "tcp" }
health = "sdk"
[experiences.strict.scaling]
min_servers = ${String(SERVERS)}
max_servers = 10
buffer = 0
[experiences.other]
command = ${JSON.stringify(process.execPath)}
driver = "raw_exec"
args = [${JSON.stringify(join(__dirname, "strict-server.cjs"))}]
max_players = 16
cpu = 100
memory = 64
ports = { game = "tcp" }
scaling = { min_servers = 0 }
`;
}

/** A running allocation of one of Forge's programs. */
export interface ProgramAllocation {
  readonly id: string;
  readonly jobId: string;
}

interface StartedAllocation {
  readonly TaskStates?: Readonly<Record<string, { readonly StartedAt: string | null }>> | null;
}

/** One who sits on a server and does not let go. */
export interface SeatedPlayer {
  readonly playerId: string;
  readonly sessionId: string;
  readonly serverId: string;
  /** Whether the connection to the server still stands. */
  readonly connected: () => boolean;
}

/** What somebody found who asked all the time, with the SDK's own retries. */
export interface Asked {
  readonly calls: number;
  readonly failures: readonly string[];
  /** The longest that one call took with its retries, ms. */
  readonly slowestMs: number;
}

/**
 * A region on real Nomad, Consul and Vault on this machine, deployed by `forge deploy` from a copy of the build, whose
 * programs can be given other bytes; with players on its servers.
 */
export class PlayedRegion {
  readonly forge: ForgeController;
  /** Its API, with an operator's token. */
  readonly at: { readonly url: string; readonly token: string };
  private readonly streams: IncomingMessage[] = [];
  private ended = false;

  private constructor(
    readonly hosts: LocalHosts,
    private readonly home: string,
    readonly clients: RegionClients,
  ) {
    const { token: key } = runSecretsOf(hosts.folder);
    const { token } = new Tokens(key, systemClock).mint({ sub: "test", role: "operator", regions: ["*"] });
    const url = `http://127.0.0.1:${String(hosts.region().ports.api)}`;
    this.at = { url, token };
    this.forge = new ForgeController({ url, token, retryForMs: 60_000 });
  }

  /** @param more sections of forge.toml instead of the games' */
  static async deploy(more?: string): Promise<PlayedRegion> {
    const hosts = await LocalHosts.create([REGION], more ?? games(100));
    try {
      const home = join(hosts.folder, "home");
      mkdirSync(home);
      cpSync(join(ROOT, "dist"), join(home, "dist"), { recursive: true });
      cpSync(join(ROOT, "package.json"), join(home, "package.json"));
      symlinkSync(join(ROOT, "node_modules"), join(home, "node_modules"));
      await forge(home, hosts, ["deploy", "--all", "--yes"]);
      const region = new PlayedRegion(hosts, home, hosts.clients());
      if (more === undefined) await region.servers(SERVERS);
      return region;
    } catch (error) {
      await hosts.remove();
      throw error;
    }
  }

  /** Ends what is left of it, deployed or not. */
  async remove(): Promise<void> {
    this.ended = true;
    for (const stream of this.streams) stream.destroy();
    this.forge.close();
    await this.clients.close();
    await this.hosts.remove();
  }

  /** Why nobody leads, or who does: for a message that explains itself. */
  whoLeads(): Promise<string> {
    return whoLeads(this.clients, REGION, this.at.url);
  }

  /** Runs `forge` of the copy to its end. @returns what it said */
  command(...args: readonly string[]): Promise<string> {
    return forge(this.home, this.hosts, args);
  }

  /** Another forge.toml, with other CPU for the games that players are on. */
  changeCpu(cpu: number): void {
    const text = readFileSync(this.hosts.file, "utf8");
    writeFileSync(this.hosts.file, text.slice(0, text.indexOf("[scaling]")) + games(cpu));
  }

  /** Gives one of the programs other bytes, as a build of another version has. */
  rebuild(program: RegionProgram, stamp: string): void {
    const file = join(this.home, "dist", `${program}.js`);
    const bytes = Buffer.concat([readFileSync(file), Buffer.from(`\n// ${stamp}\n`)]);
    writeFileSync(file, bytes);
    const listFile = join(this.home, "dist", "bundles.json");
    const list = JSON.parse(readFileSync(listFile, "utf8")) as Record<string, object>;
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    list[program] = { ...list[program], sha256, bytes: bytes.length };
    writeFileSync(listFile, JSON.stringify(list));
  }

  /** Every running allocation of a program. */
  async allocations(program: RegionProgram): Promise<readonly ProgramAllocation[]> {
    const found = await this.clients.nomad.json<
      readonly {
        readonly ID: string;
        readonly JobID: string;
        readonly ClientStatus: string;
      }[]
    >("GET", "/v1/allocations", { query: { namespace: "*" } });
    return found
      .filter(({ JobID, ClientStatus }) => isProgramJob(JobID, REGION, program) && ClientStatus === "running")
      .map(({ ID, JobID }) => ({ id: ID, jobId: JobID }));
  }

  /**
   * Process ids of the gates on the node, by job. Not as Nomad has them: it forgets an allocation with its job when that is
   * purged, while its client still waits for the end.
   */
  gates(): ReadonlyMap<string, number> {
    const tasks = taskProcesses(join(this.hosts.folder, ".forge", "regions"));
    return new Map(tasks.filter(({ job }) => isProgramJob(job, REGION, "gate")).map(({ job, pid }) => [job, pid]));
  }

  /** How often the agent has greeted a gate: each time anew when one has hung up. */
  async greetings(): Promise<number> {
    const [agent] = await this.allocations("agent");
    const { folder } = this.hosts.region();
    const log = join(folder.data("nomad-client"), "alloc", agent?.id ?? "", "alloc", "logs", "forge.stderr.0");
    return readFileSync(log, "utf8").split("gate connected").length - 1;
  }

  /** Waits until so many servers are ready. @returns their ids, sorted */
  async servers(count = SERVERS): Promise<readonly string[]> {
    return until(`${String(count)} servers are ready`, async () => {
      const all = await this.forge.getServers(REGION, { experienceId: "strict" });
      const ready = all.filter(({ state }) => ["ready", "allocated", "reserved"].includes(state)).map(({ id }) => id);
      return ready.length >= count ? ready.sort() : undefined;
    });
  }

  /** A player with a seat on the server, whose ticket was taken and whose connection stays. */
  async seat(playerId: string, serverId: string): Promise<SeatedPlayer> {
    const placed = await this.forge.routePlayer(playerId, serverId);
    const { session, server, ticket } = placed;
    const path = `/${encodeURIComponent(ticket)}`;
    const sent = get({ host: "127.0.0.1", port: server.ports["game"], path, agent: false });
    const [stream] = (await once(sent, "response")) as [IncomingMessage];
    if (stream.statusCode !== 200) throw new Error(`${playerId} was not let in: ${String(stream.statusCode)}`);
    let connected = true;
    stream.on("close", () => (connected = false)).on("error", () => undefined);
    stream.resume();
    this.streams.push(stream);
    return { playerId, sessionId: session.id, serverId: server.id, connected: () => connected };
  }

  private async visit(playerId: string): Promise<void> {
    const ask = { playerId, experienceId: "strict", region: REGION };
    for (;;) {
      try {
        let placed = await this.forge.createSession(ask);
        while (!("session" in placed)) placed = await this.forge.waitQueue(placed.queueTicket);
        return await this.leave(placed.session.id);
      } catch (error) {
        // The queue is lost with its controller: clients ask again, as they are told to.
        if (!(error instanceof ForgeApiError && error.code === "unknownQueueTicket")) throw error;
      }
    }
  }

  private async leave(sessionId: string): Promise<void> {
    await this.forge.endSession(sessionId).catch((error: unknown) => {
      // It had ended, and the controller that would have said so is another by now.
      if (!(error instanceof ForgeApiError && error.code === "unknownSession")) throw error;
    });
  }

  /** Starts a server of the other game past the controller, waits until it has started, and takes it away. */
  async dispatch(): Promise<void> {
    const job = gameServerJobId(REGION, "other");
    const { nomad } = this.clients;
    const meta = { serverId: "by-hand", experienceId: "other", version: "0", role: "server", maxPlayers: "1" };
    const path = `/v1/job/${encodeURIComponent(job)}/dispatch`;
    const { DispatchedJobID: id } = await nomad.json<{ DispatchedJobID: string }>("PUT", path, {
      body: { Meta: meta },
    });
    const child = `/v1/job/${encodeURIComponent(id)}`;
    await until("the server that was dispatched has started", async () => {
      const [found] = await nomad.json<readonly StartedAllocation[]>("GET", `${child}/allocations`);
      // Not whether it runs: the controller, which knows nothing of it, may have ended it already.
      return found?.TaskStates?.["server"]?.StartedAt != null;
    });
    await nomad.json("DELETE", child, { query: { purge: true } });
  }

  /** For Forge's program itself, which Nomad starts again after SIGKILL. Of several gates, for the last one started. */
  kill(program: RegionProgram, signal: NodeJS.Signals = "SIGKILL"): void {
    const tasks = taskProcesses(join(this.hosts.folder, ".forge", "regions"));
    const pids = tasks.filter(({ job }) => isProgramJob(job, REGION, program)).map(({ pid }) => pid);
    process.kill(Math.max(...pids), signal);
  }

  /** For a game server's own process. */
  killServer(serverId: string, signal: NodeJS.Signals): void {
    const tasks = taskProcesses(join(this.hosts.folder, ".forge", "regions"));
    const found = tasks.find((task) => task.serverId === serverId);
    if (found === undefined) throw new Error(`server ${serverId} has no process here`);
    process.kill(found.pid, signal);
  }

  /** For one of Consul, Vault and Nomad's agents. `hosts.mustInfra("up")` starts it again after SIGKILL. */
  killHost(name: string, signal: NodeJS.Signals = "SIGKILL"): void {
    const file = this.hosts.region().folder.run(`${name}.json`);
    const { pid } = JSON.parse(readFileSync(file, "utf8")) as { readonly pid: number };
    process.kill(pid, signal);
  }

  /** Terraform on one deployed stack. */
  terraform(part: string, ...args: readonly string[]): Promise<number> {
    const folder = join(this.hosts.folder, ".forge", "terraform", `${REGION}-${part}`, "work");
    return runTerraform(folder, args, { ...this.hosts.env });
  }

  /** Asks for a seat and gives it back, one player after the other, until told to stop. */
  ask(name: string): () => Promise<Asked> {
    let stopped = false;
    const failures: string[] = [];
    let calls = 0;
    let slowestMs = 0;
    const call = async (what: () => Promise<unknown>): Promise<void> => {
      const from = performance.now();
      calls += 1;
      await what().catch((error: unknown) => failures.push(String(error)));
      slowestMs = Math.max(slowestMs, performance.now() - from);
    };
    const asking = (async () => {
      for (let number = 1; !stopped && !this.ended; number += 1) {
        await call(() => this.visit(`${name}-${String(number)}`));
        await pause(100);
      }
    })();
    return async () => {
      stopped = true;
      await asking;
      return { calls, failures, slowestMs: Math.round(slowestMs) };
    };
  }
}

function forge(home: string, hosts: LocalHosts, args: readonly string[]): Promise<string> {
  const { AWS_CA_BUNDLE: _none, ...env } = hosts.env;
  return new Promise((resolve, reject) => {
    const options = { cwd: hosts.folder, env, maxBuffer: 2 ** 24 };
    execFile(process.execPath, [join(home, "dist", "forge.js"), ...args], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout + stderr);
      else reject(new Error(`forge ${args.join(" ")}: ${stdout}${stderr}`));
    });
  });
}
