import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { agentConfigOf, controllerConfigOf, gateConfigOf } from "../cli/up/program-configs";
import { planRun, type PlannedRegion, type RunPlan } from "../cli/up/run-plan";
import { freePorts } from "../protocol/free-ports";
import { newRunSecrets } from "../cli/up/run-secrets";
import { loadConfig } from "../config/load";
import { configKey } from "../config/region-names";
import { RootClient } from "../controller/adapters/embedded/root-client";
import { startRoot, type RootHandle } from "../controller/adapters/embedded/start-root";
import { Tokens } from "../controller/tokens";
import { systemClock } from "../protocol/clock";
import { ConsulAgent } from "../test/cluster/consul-agent";
import { chaosToml, regionNames } from "./forge-toml";
import { Network, type NetHost } from "./network";
import type { Need } from "./plan";
import { Program } from "./program";
import type { ChaosRegion, Placed, Replica } from "./region";
import { SmallDisk } from "./small-disk";

export interface StageOptions {
  readonly folder: string;
  /** Where dist/ is. */
  readonly home: string;
  readonly regions: number;
  /** The program; without it each region has one controller. */
  readonly consul: string | undefined;
  /** In namespaces of one's own: with a network and a small disk. */
  readonly inside: boolean;
  /** A program ended, and no fault had done it. */
  readonly onDeath: (program: string, how: string) => void;
}

const READY_WITHIN_MS = 60_000;
const GRACE_SECS = 3;
const TOKEN_SECS = 3600;
/** What a program is, by how its name begins. */
const KINDS = { ctl: "controller", agent: "agent", gate: "gate" } as const;

/** A whole run of Forge on the embedded engine, each program a process that can be struck by itself. */
export class Stage {
  readonly regions: ChaosRegion[] = [];
  network: Network | undefined;
  consul: { readonly agent: ConsulAgent; readonly host: NetHost | undefined } | undefined;
  private handle: RootHandle | undefined;
  private client: RootClient | undefined;
  private readonly secrets = newRunSecrets();
  private readonly programs: Program[] = [];

  private constructor(
    readonly plan: RunPlan,
    private readonly options: StageOptions,
  ) {}

  /** @throws {Error} where a part does not start; what did is ended again */
  static async start(options: StageOptions): Promise<Stage> {
    const { folder, home, regions } = options;
    const configFile = join(folder, "forge.toml");
    const toml = chaosToml(regions);
    writeFileSync(configFile, toml);
    const { config } = loadConfig({ file: configFile, env: {}, readFile: () => toml });
    const ports = await freePorts(regions);
    const plan = planRun(config, { configFile, folder, home, socketDir: folder, ports });
    const stage = new Stage(plan, options);
    try {
      await stage.begin(toml);
    } catch (error) {
      await stage.stop();
      throw error;
    }
    return stage;
  }

  get root(): RootClient {
    if (!this.client) throw new Error("the root process is not there");
    return this.client;
  }

  /** What this machine has for faults. */
  get have(): ReadonlySet<Need> {
    const { consul, network, regions } = this;
    return new Set<Need>([
      ...(consul ? (["consul", "standby"] as const) : []),
      ...(network ? (["network"] as const) : []),
      ...(regions.some(({ disk }) => disk) ? (["disk"] as const) : []),
    ]);
  }

  token(role: "operator" | "allocator"): string {
    const tokens = new Tokens(this.secrets.token, systemClock);
    return tokens.mint({ sub: "chaos", role, regions: ["*"], expiresInSecs: TOKEN_SECS }).token;
  }

  /** Ends a program in order and starts the one of another build in its place. Resolves when its region is ready again. */
  async roll(region: ChaosRegion, { program, host }: Placed, home: string): Promise<void> {
    const kind = KINDS[program.name.split("-")[0] as keyof typeof KINDS];
    await program.replace(this.commandOf(program.name, kind, home, host));
    await this.untilReady(region);
  }

  /** Controllers first, or they would replace the servers that are being ended. */
  async stop(): Promise<void> {
    const controllers = this.regions.flatMap(({ replicas }) => replicas.map(({ program }) => program));
    for (const program of this.programs) program.signal("SIGCONT");
    await Promise.all(controllers.map((program) => program.stop()));
    await this.handle?.close(GRACE_SECS);
    await Promise.all(this.programs.map((program) => program.stop()));
    this.client?.close();
    const { consul } = this;
    if (consul?.agent.pid !== undefined) process.kill(consul.agent.pid, "SIGCONT");
    await consul?.agent.end();
  }

  private async begin(toml: string): Promise<void> {
    const { options, plan } = this;
    mkdirSync(join(plan.runDir, "logs"), { recursive: true, mode: 0o700 });
    if (options.inside) this.network = await Network.build();
    if (options.consul !== undefined) await this.startConsul(options.consul, toml);
    this.handle = await startRoot({ runDir: plan.runDir, script: join(options.home, "dist", "root.js") });
    this.client = await RootClient.connect({ socketPath: this.handle.socketPath, secret: this.handle.secret });
    for (const region of plan.regions) this.regions.push(await this.startRegion(region));
    await Promise.all(this.regions.map((region) => this.untilReady(region)));
  }

  private async startConsul(program: string, toml: string): Promise<void> {
    const folder = join(this.options.folder, "consul");
    mkdirSync(folder);
    const host = await this.network?.add("consul");
    const agent = await ConsulAgent.start(program, folder, host ? { host: host.address, within: host.within } : {});
    this.consul = { agent, host };
    for (const name of regionNames(this.plan.regions.length))
      await agent.call("PUT", `/v1/kv/${configKey(name)}`, toml);
  }

  private async startRegion(region: PlannedRegion): Promise<ChaosRegion> {
    const { options, secrets } = this;
    const disk = options.inside ? await SmallDisk.mount(region.journalDir) : undefined;
    const gate = this.place(`gate-${region.name}`, "gate", gateConfigOf(region, secrets), undefined);
    const replicas: Replica[] = [];
    for (let index = 0; index < (this.consul ? 2 : 1); index++) replicas.push(await this.startReplica(region, index));
    const host = await this.network?.add(`agent-${region.name}`);
    const config = {
      ...agentConfigOf(region, secrets, this.root.welcome.limits),
      ...(this.consul
        ? { controllers: { kind: "consul" }, consul: { address: this.consul.agent.address } }
        : { controllers: [this.agentPort(region, undefined)] }),
    };
    const agent = this.place(`agent-${region.name}`, "agent", config, host);
    return { plan: region, replicas, agent, gate, disk };
  }

  private async startReplica(region: PlannedRegion, index: number): Promise<Replica> {
    const name = `ctl-${region.name}-${String(index + 1)}`;
    const host = await this.network?.add(name);
    const [api = 0, link = 0] = host ? [7700, 7800] : await freePorts(2);
    const address = host?.address ?? "127.0.0.1";
    const url = `http://${address}:${String(api)}`;
    const dataDir = join(region.controllerDir, String(index + 1));
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const base = controllerConfigOf(this.plan, region, this.secrets, this.rootAccess(), "sockets");
    const config = {
      ...base,
      controllerId: name,
      dataDir,
      api: { host: address, port: api },
      agentListen: this.consul ? `${address}:${String(link)}` : this.agentPort(region, host),
      regions: base.regions.map((known) => (known.name === region.name ? { ...known, url } : known)),
      ...(this.consul ? { consul: { address: this.consul.agent.address } } : {}),
    };
    return { ...this.place(name, "controller", config, host), url };
  }

  /** Of the one controller, where no Consul tells agents of it. */
  private agentPort(region: PlannedRegion, host: NetHost | undefined): string {
    return host ? `${host.address}:7800` : region.agentSocket;
  }

  private place(
    name: string,
    kind: "controller" | "agent" | "gate",
    config: unknown,
    host: NetHost | undefined,
  ): Placed {
    const { folder, home, onDeath } = this.options;
    const configFile = join(folder, `${name}.json`);
    writeFileSync(configFile, JSON.stringify(config), { mode: 0o600 });
    const { PATH, HOME, TMPDIR } = process.env;
    const own = { PATH: PATH ?? "", HOME: HOME ?? "", ...(TMPDIR === undefined ? {} : { TMPDIR }) };
    const program = new Program({
      name,
      command: this.commandOf(name, kind, home, host),
      logFile: join(this.plan.runDir, "logs", `${name}.log`),
      env: own,
      onDeath: (how) => onDeath(name, how),
    });
    this.programs.push(program);
    program.start();
    return { program, host };
  }

  private commandOf(
    name: string,
    kind: "controller" | "agent" | "gate",
    home: string,
    host: NetHost | undefined,
  ): readonly string[] {
    const configFile = join(this.options.folder, `${name}.json`);
    return [...(host?.within ?? []), process.execPath, join(home, "dist", `${kind}.js`), configFile];
  }

  private rootAccess(): { socketPath: string; secret: string } {
    const { handle } = this;
    if (!handle) throw new Error("the root process is not there");
    return { socketPath: handle.socketPath, secret: handle.secret };
  }

  /** One leads and has an agent; the others answer. */
  private async untilReady({ replicas, plan }: ChaosRegion): Promise<void> {
    const deadlineMs = Date.now() + READY_WITHIN_MS;
    for (;;) {
      const ready = await Promise.all(replicas.map(({ url }) => answers(`${url}/ready`)));
      const alive = await Promise.all(replicas.map(({ url }) => answers(`${url}/health`)));
      if (ready.includes(true) && !alive.includes(false)) return;
      if (Date.now() > deadlineMs)
        throw new Error(
          `region ${plan.name} is not ready after a minute; see ${this.plan.runDir}/logs (--keep FOLDER)`,
        );
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(1000) });
    await answer.body?.cancel();
    return answer.status === 200;
  } catch {
    return false;
  }
}
