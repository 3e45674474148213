import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ForgeConfig } from "../../config/config";
import { isProgramJob, PROGRAM_TASK, type RegionProgram } from "../../config/region-names";
import { readRunSecrets, runSecretsFile } from "../../infra/embedded/run-secrets-file";
import type { Clock } from "../../protocol/clock";
import { errorMessage } from "../error-code";
import type { CliContext } from "../context";
import { DeployRun } from "../deploy/deploy-run";
import type { DeployEvent } from "../deploy/deploy-events";
import { parseStackId } from "../deploy/stack-names";
import { trustRun } from "../deploy/trust-run";
import { StackStore } from "../deploy/stack-store";
import { EXIT } from "../exit-code";
import { CliError } from "../failure";
import type { KillTarget, RunClosed, RunningRegion, RunningRun } from "./running-run";
import { taskProcesses, type TaskProcess } from "./task-processes";
import { whyNotReady } from "./why-not-ready";

export interface NomadRunOptions {
  readonly config: ForgeConfig;
  readonly context: CliContext;
  readonly clock: Clock;
  /** Told of what happens while stacks are deployed and destroyed. */
  readonly tell: (event: DeployEvent) => void;
  /** Told of each other step, for people to read. */
  readonly onStep: (text: string) => void;
}

const READY_WITHIN_MS = 180_000;
/** Of a server's processes the one that players are on. */
const SERVER_TASK = "server";

/**
 * A run whose regions are on Nomad, on this machine: all their stacks are deployed, and destroyed at its end, as by
 * `forge deploy` and `forge destroy`. A mark beside the states says that they are this command's, so that one that was
 * killed can go on, and what somebody deployed by himself is left alone.
 */
export class NomadRun implements RunningRun {
  readonly broken = new Promise<Error>(() => undefined);
  readonly mortal = ["controller", "agent"] as const;

  private constructor(
    readonly runId: string,
    readonly regions: readonly RunningRegion[],
    readonly tokenKey: string,
    private readonly options: NomadRunOptions,
  ) {}

  /** @throws {CliError} that names what could not be deployed and what to do */
  static async start(options: NomadRunOptions): Promise<NomadRun> {
    const { config, context, onStep } = options;
    const folder = dirname(context.configFile);
    refuseForeign(config, folder);
    claim(folder);
    try {
      onStep(
        `deploying ${config.regions.map(({ name }) => name).join(", ")}: agents, then Consul, Vault, Nomad and jobs`,
      );
      const deploy = await DeployRun.prepare(askOf(false), context, options.tell);
      await deploy.apply(agreed);
      const regions = config.regions.map(({ name, url, ports }) => ({
        name,
        url: url ?? `http://127.0.0.1:${ports.api}`,
      }));
      if (config.regions.some(({ tls }) => tls)) trustRun(folder);
      onStep("waiting until the controllers are ready");
      await Promise.all(regions.map((region) => untilReady(region, options.clock)));
      const secrets = readRunSecrets(runSecretsFile(folder));
      if (secrets === undefined)
        throw new CliError(
          "runFailed",
          EXIT.failed,
          `there is no ${runSecretsFile(folder)}, which the deploy should have made`,
        );
      return new NomadRun(`nomad-${process.pid}`, regions, secrets.token, options);
    } catch (error) {
      onStep("taking away what was deployed");
      await destroy(options).catch((second: unknown) => onStep(`destroying failed too: ${errorMessage(second)}`));
      throw error;
    }
  }

  get about(): readonly string[] {
    const where = this.options.config.regions.map(({ name, nomad }) => `${name} ${nomad.address}`).join(", ");
    return [
      `Controller, agent, gate and game servers are jobs on Nomad: ${where}.`,
      "Consul, Vault and Nomad are processes of this machine; their logs lie in .forge/regions/REGION/logs.",
    ];
  }

  async pids(): Promise<Readonly<Record<string, number>>> {
    const found = this.tasks().flatMap(({ job, pid, task }) => {
      const program = this.programs().find(({ region, program: each }) => isProgramJob(job, region, each));
      return program === undefined || task !== PROGRAM_TASK ? [] : [[program.name, pid] as const];
    });
    return Object.fromEntries(found);
  }

  async kill(target: KillTarget): Promise<number | undefined> {
    const found = this.tasks().find(({ serverId, task, job }) =>
      target.kind === "server"
        ? serverId === target.id && task === SERVER_TASK
        : isProgramJob(job, target.region, target.program),
    );
    if (found === undefined) return undefined;
    process.kill(found.pid, "SIGKILL");
    return found.pid;
  }

  async close(): Promise<RunClosed> {
    await destroy(this.options);
    return { left: this.tasks().map(({ pid }) => pid) };
  }

  private tasks(): readonly TaskProcess[] {
    return taskProcesses(join(dirname(this.options.context.configFile), ".forge", "regions"));
  }

  private programs(): readonly { region: string; program: RegionProgram; name: string }[] {
    return this.regions.flatMap(({ name }) =>
      (["controller", "agent", "gate"] as const).map((program) => ({
        region: name,
        program,
        name: `${program}.${name}`,
      })),
    );
  }
}

const agreed = async (): Promise<boolean> => true;

function askOf(destroy: boolean) {
  return {
    regions: [],
    all: true,
    engine: "nomad",
    destroy,
    together: true,
    interruptible: !destroy,
  } as const;
}

async function destroy({ context, tell }: NomadRunOptions): Promise<void> {
  const run = await DeployRun.prepare(askOf(true), context, tell);
  await run.apply(agreed);
  rmSync(markOf(dirname(context.configFile)), { force: true });
}

function markOf(folder: string): string {
  return join(folder, ".forge", "terraform", ".up");
}

function claim(folder: string): void {
  mkdirSync(dirname(markOf(folder)), { recursive: true, mode: 0o700 });
  writeFileSync(markOf(folder), `${process.pid}\n`, { mode: 0o600 });
}

/** What `forge deploy` made is not this command's to take away. */
function refuseForeign(config: ForgeConfig, folder: string): void {
  if (existsSync(markOf(folder))) return;
  const deployed = new StackStore(folder).deployed();
  const names = config.regions.map(({ name }) => name);
  const taken = deployed.filter((id) => names.includes(parseStackId(id)?.region ?? ""));
  if (taken.length === 0) return;
  throw new CliError(
    "deployed",
    EXIT.failed,
    `${taken.join(", ")} ${taken.length === 1 ? "is" : "are"} deployed from this folder already, and \`forge up\` would take it away at its end`,
    "use what is there (`forge ps`), or `forge destroy --all` first",
  );
}

async function untilReady({ name, url }: RunningRegion, clock: Clock): Promise<void> {
  const why = await whyNotReady(url, READY_WITHIN_MS, clock);
  if (why === undefined) return;
  throw new CliError(
    "regionNotReady",
    EXIT.failed,
    `the controller of region ${name} was not ready within ${READY_WITHIN_MS / 1000} s: ${why}`,
    `look into .forge/regions/${name}/logs, or keep it by \`forge deploy --engine nomad ${name}\` and see \`nomad alloc logs\``,
  );
}
