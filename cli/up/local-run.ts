import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Logger } from "pino";
import type { ForgeConfig } from "../../config/config";
import { briefly } from "../../controller/adapters/embedded/limits";
import { RootClient } from "../../controller/adapters/embedded/root-client";
import { startRoot, type RootHandle } from "../../controller/adapters/embedded/start-root";
import { DEFAULT_SECRET_ENV, readWebhooks } from "../../controller/webhooks";
import type { Clock } from "../../protocol/clock";
import { errorMessage } from "../error-code";
import { CliError } from "../failure";
import { EXIT } from "../exit-code";
import { freePorts, isFree } from "../../protocol/free-ports";
import { planRun, BASE_PORT, type DeployedPart, type PlannedRegion, type RunPlan } from "./run-plan";
import { newRunSecrets, type RunSecrets } from "./run-secrets";
import type { RunParts } from "./run-parts";
import type { KillTarget, RunClosed, RunningRun } from "./running-run";
import { programName, startSeparateProcesses } from "./separate-processes";
import { startSharedProcess } from "./shared-process";
import { whyNotReady } from "./why-not-ready";

export interface LocalRunOptions {
  readonly config: ForgeConfig;
  readonly configFile: string;
  readonly folder: string;
  readonly home: string;
  readonly processes: boolean;
  /** Of the first region; 0 lets the system choose. */
  readonly port: number | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told of each step for people to read. */
  readonly onStep: (text: string) => void;
  /** Only this region, as a deploy starts it. */
  readonly deployed?: DeployedPart | undefined;
  /** Of regions that are started one by one and still belong together; made anew where not given. */
  readonly secrets?: RunSecrets | undefined;
}

/** Servers get this long to end on their own when the run does. */
const GRACE_SECS = 3;
const READY_WITHIN_MS = 20_000;

/** What Forge's own programs need of the environment; the rest stays here. */
const PROGRAM_ENV = ["PATH", "HOME", "LANG", "TZ", "TMPDIR", "NODE_OPTIONS", "NODE_EXTRA_CA_CERTS"];

/** A run of Forge on this machine: root, and per region controller, agent and gate. Closing it leaves no process. */
export class LocalRun implements RunningRun {
  private constructor(
    readonly plan: RunPlan,
    private readonly secrets: RunSecrets,
    private readonly root: RootClient,
    private readonly handle: RootHandle,
    private readonly parts: RunParts,
    private readonly socketDir: string,
    private readonly processes: boolean,
  ) {}

  /** @throws {CliError} that names what could not be started and what to do */
  static async start(options: LocalRunOptions): Promise<LocalRun> {
    const { config, configFile, folder, home, onStep, clock } = options;
    checkWebhooks(options);
    const ports = await choosePorts(config.regions, options.port, options.deployed?.region);
    const socketDir = mkdtempSync(join(tmpdir(), "forge-"));
    const plan = planRun(config, { configFile, folder, home, socketDir, ports, deployed: options.deployed });
    const secrets = options.secrets ?? newRunSecrets();
    const handle = await rootOf(plan, socketDir);
    onStep(`root process ${String(handle.pid)} holds everything that is started`);
    let root: RootClient | undefined;
    let parts: RunParts | undefined;
    try {
      root = await RootClient.connect({ socketPath: handle.socketPath, secret: handle.secret }, clock);
      clearLastRun(plan);
      const access = { socketPath: handle.socketPath, secret: handle.secret, client: root };
      parts = options.processes
        ? await startSeparateProcesses(plan, secrets, access, programEnv(options))
        : await startSharedProcess(plan, secrets, access, options);
      await Promise.all(plan.regions.map((region) => untilReady(region, plan, handle, clock)));
    } catch (error) {
      await parts?.stopDeciding().catch(() => undefined);
      await parts?.close().catch(() => undefined);
      root?.close();
      await handle.close(1);
      rmSync(socketDir, { recursive: true, force: true });
      throw error;
    }
    return new LocalRun(plan, secrets, root, handle, parts, socketDir, options.processes);
  }

  get runId(): string {
    return this.handle.runId;
  }

  get regions(): RunPlan["regions"] {
    return this.plan.regions;
  }

  get tokenKey(): string {
    return this.secrets.token;
  }

  get about(): readonly string[] {
    const how = this.processes ? "are processes of their own" : "share this process";
    return [
      `Controller, agent and gate ${how}; game servers are processes under one root process.`,
      briefly(this.root.welcome.limits),
    ];
  }

  get mortal(): RunningRun["mortal"] {
    return this.processes ? ["controller", "agent"] : [];
  }

  /** Root's end is the run's. */
  get broken(): Promise<Error> {
    const fix = `start it again; ${join(this.plan.runDir, "logs", "root.log")} may say why`;
    return this.handle.ended.then(
      () => new CliError("rootEnded", EXIT.failed, "the root process ended by itself, and every server with it", fix),
    );
  }

  pids(): Promise<Readonly<Record<string, number>>> {
    return this.parts.pids();
  }

  async kill(target: KillTarget): Promise<number | undefined> {
    const id = target.kind === "server" ? target.id : programName(target.program, { name: target.region });
    const entry = (await this.root.list()).find((each) => each.id === id);
    const pid = entry?.tasks[0]?.pid ?? undefined;
    if (pid === undefined) return undefined;
    await this.root.signal(id, "SIGKILL");
    return pid;
  }

  /** Ends everything; resolves with what would not go, which should be nothing. */
  async close(graceSecs = GRACE_SECS): Promise<RunClosed & { readonly inOrder: boolean }> {
    // Controllers first, or they would replace the servers that are being ended; agents last, to hear the servers out.
    await this.parts.stopDeciding();
    const ended = this.handle.close(graceSecs);
    await ended.catch(() => undefined);
    await this.parts.close();
    this.root.close();
    rmSync(this.socketDir, { recursive: true, force: true });
    return ended;
  }
}

/** Looked at before anything is started: a controller that finds its port taken could only say so in a log. */
async function choosePorts(
  regions: ForgeConfig["regions"],
  port: number | undefined,
  only: string | undefined,
): Promise<readonly number[]> {
  if (port === 0) return freePorts(regions.length);
  const ports = regions.map((_, index) => (port ?? BASE_PORT) + index);
  for (const [index, wanted] of ports.entries()) {
    if (only !== undefined && regions[index]?.name !== only) continue;
    if (await isFree(wanted)) continue;
    const fix = `stop that program, or choose other ports with ${only === undefined ? "--port" : "FORGE_PORT_OFFSET"}`;
    const message = `port ${String(wanted)} for region ${regions[index]?.name ?? ""} is taken by another program`;
    throw new CliError("portTaken", EXIT.failed, message, fix);
  }
  return ports;
}

function checkWebhooks({ config, env }: LocalRunOptions): void {
  try {
    readWebhooks(config.webhooks, env);
  } catch (error) {
    throw new CliError("webhookSecret", EXIT.badInput, errorMessage(error));
  }
}

async function rootOf(plan: RunPlan, socketDir: string): Promise<RootHandle> {
  try {
    return await startRoot({ runDir: plan.runDir, script: join(plan.home, "dist", "root.js") });
  } catch (error) {
    rmSync(socketDir, { recursive: true, force: true });
    throw new CliError("runFailed", EXIT.failed, errorMessage(error));
  }
}

/** Journals of servers that died with their run are of no use to this one; volumes are elsewhere and stay. */
function clearLastRun({ runDir, regions }: RunPlan): void {
  for (const part of ["controllers", "agents", "programs", "allocations"])
    rmSync(join(runDir, part), { recursive: true, force: true });
  for (const { controllerDir, journalDir } of regions)
    for (const dir of [controllerDir, journalDir]) mkdirSync(dir, { recursive: true, mode: 0o700 });
}

function programEnv({ env, config }: LocalRunOptions): Readonly<Record<string, string>> {
  const secrets = config.webhooks.map(({ secretEnv = DEFAULT_SECRET_ENV }) => secretEnv);
  // A receiver that is added while it runs finds its secret, where its variable is called so.
  const later = Object.keys(env).filter((name) => name.startsWith(DEFAULT_SECRET_ENV));
  const names = [...PROGRAM_ENV, ...secrets, ...later];
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}

async function untilReady(region: PlannedRegion, plan: RunPlan, handle: RootHandle, clock: Clock): Promise<void> {
  const why = await whyNotReady(region.url, READY_WITHIN_MS, clock);
  if (why === undefined) return;
  throw new CliError(
    "regionNotReady",
    EXIT.failed,
    `region ${region.name} was not ready within ${String(READY_WITHIN_MS / 1000)} s: ${why}`,
    `look into ${join(plan.runDir, "logs")} (root process ${String(handle.pid)})`,
  );
}
