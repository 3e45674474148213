import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { ForgeConfig } from "../../config/config";
import type { EngineName } from "../../config/engine-name";
import { regionEndpoints } from "../../config/region-endpoints";
import { systemClient } from "../../infra/system-client";
import type { CliContext } from "../context";
import { EXIT } from "../exit-code";
import { CliError } from "../failure";
import type { DeployedSystems } from "./broken-apply";
import { type DeployEvent, type StackOutcome, tellEvent } from "./deploy-events";
import type { PlannedChange } from "./plan-words";
import { StackDeploy, type StackDeployOptions, StackFailed } from "./stack-deploy";
import { inDeployOrder, parseStackId } from "./stack-names";
import { StackStore } from "./stack-store";
import { synthStacks } from "./synth-stacks";

export interface DeployAsk {
  readonly regions: readonly string[];
  readonly all: boolean;
  readonly engine: EngineName | undefined;
  readonly destroy: boolean;
  /** Regions side by side, where nobody has to answer. */
  readonly together: boolean;
  /** False where a second Ctrl-C must not stop the clearing up. */
  readonly interruptible?: boolean;
}

/** Asked of each stack that would change. */
export type Approve = (stack: string, changes: readonly PlannedChange[]) => Promise<boolean>;

export interface DeployResult {
  readonly stacks: Readonly<Record<string, StackOutcome | "failed" | "skipped">>;
  /** Deployed stacks that forge.toml no longer asks for. */
  readonly unclaimed: readonly string[];
  readonly config: ForgeConfig;
}

/** What one `forge plan`, `deploy` or `destroy` works with: forge.toml, the stacks that were asked for, Terraform. */
export class DeployRun {
  readonly changes = new Map<string, readonly PlannedChange[]>();
  private readonly ending = new AbortController();
  private readonly outcomes = new Map<string, StackOutcome | "failed" | "skipped">();
  private readonly failures: StackFailed[] = [];

  private constructor(
    private readonly context: CliContext,
    private readonly ask: DeployAsk,
    private readonly store: StackStore,
    private readonly config: ForgeConfig,
    /** What there is to do, region by region, each in its order. */
    private readonly chains: readonly (readonly string[])[],
    private readonly unclaimed: readonly string[],
    private readonly tell: (event: DeployEvent) => void,
  ) {}

  /** @throws {CliError} where there is nothing of that name, or nothing to do */
  static async prepare(
    ask: DeployAsk,
    context: CliContext,
    tell: (event: DeployEvent) => void = (event) => tellEvent(event, context),
  ): Promise<DeployRun> {
    const store = new StackStore(dirname(context.configFile));
    const { config, stacks } = await synthStacks(context, store, ask.engine);
    const deployed = store.deployed().filter((id) => parseStackId(id) !== undefined);
    const unclaimed = deployed.filter((id) => !stacks.has(id));
    const wanted = wantedRegions(ask, config, deployed);
    const there = ask.destroy ? deployed : [...stacks.keys()];
    const ids = inDeployOrder(there.filter((id) => wanted.includes(parseStackId(id)?.region ?? "")));
    for (const id of ids) {
      const json = stacks.get(id);
      // Of one that nobody asks for any more, what was last deployed is there still.
      if (json !== undefined) store.put(id, json);
    }
    const chains = wanted.map((region) => ids.filter((id) => parseStackId(id)?.region === region));
    const ordered = ask.destroy ? chains.map((chain) => [...chain].reverse()) : chains;
    return new DeployRun(context, ask, store, config, ordered, unclaimed, tell);
  }

  /** Plans only; a stack that cannot be planned before an earlier one is there is left out, and says so. */
  async plan(): Promise<DeployResult> {
    return this.guarded(async () => {
      for (const chain of this.chains) await this.planChain(chain);
      return this.result();
    });
  }

  /** Deploys or destroys. One region that fails stops no other. @throws {CliError} of the first failure, at the end */
  async apply(approve: Approve): Promise<DeployResult> {
    return this.guarded(async () => {
      if (this.ask.together) await Promise.all(this.chains.map((chain) => this.applyChain(chain, approve)));
      else for (const chain of this.chains) await this.applyChain(chain, approve);
      if (this.ask.destroy && this.store.deployed().length === 0) this.store.clear();
      return this.result();
    });
  }

  private async planChain(chain: readonly string[]): Promise<void> {
    let earlier = false;
    for (const stack of chain) {
      try {
        const changes = await this.deployOf(stack, async () => false).preview();
        this.changes.set(stack, changes);
        this.outcomes.set(stack, changes.length === 0 ? "unchanged" : "planned");
        earlier ||= changes.length > 0;
      } catch (error) {
        if (!(error instanceof StackFailed)) throw error;
        this.outcomes.set(stack, earlier && !this.ending.signal.aborted ? "skipped" : "failed");
        if (this.outcomes.get(stack) === "failed") this.failures.push(error);
      }
    }
  }

  private async applyChain(chain: readonly string[], approve: Approve): Promise<void> {
    for (const [index, stack] of chain.entries()) {
      try {
        const outcome = await this.deployOf(stack, approve).run();
        this.outcomes.set(stack, outcome);
        if (this.ask.destroy && outcome !== "declined") this.store.remove(stack);
        if (outcome !== "declined") continue;
      } catch (error) {
        if (!(error instanceof StackFailed)) throw error;
        this.outcomes.set(stack, "failed");
        this.failures.push(error);
      }
      for (const later of chain.slice(index + 1)) this.outcomes.set(later, "skipped");
      return;
    }
  }

  private deployOf(stack: string, approve: Approve): StackDeploy {
    const options: StackDeployOptions = {
      stack,
      folder: this.store.folderOf(stack),
      destroy: this.ask.destroy,
      env: this.environment(),
      signal: this.ending.signal,
      now: () => this.context.io.now(),
      tell: this.tell,
      systems: (work) => this.withSystems(stack, work),
      approve: (changes) => approve(stack, changes),
    };
    return new StackDeploy(options);
  }

  private async withSystems<T>(stack: string, work: (systems: DeployedSystems) => Promise<T>): Promise<T> {
    const region = this.config.regions.find(({ name }) => name === parseStackId(stack)?.region);
    if (region === undefined)
      throw new Error(`forge.toml no longer has the region of ${stack}: put it back, then destroy it`);
    const endpoints = regionEndpoints(region, dirname(this.context.configFile));
    const { env } = this.context.io;
    const [consul, vault] = [systemClient(endpoints.consul, env), systemClient(endpoints.vault, env)];
    try {
      return await work({ consul, vault });
    } finally {
      await Promise.all([consul.close(), vault.close()]);
    }
  }

  private environment(): Readonly<Record<string, string | undefined>> {
    const { env } = this.context.io;
    const { engine } = this.ask;
    const home = env["HOME"] ?? homedir();
    const mirror = join(home, ".cache", "forge", "providers");
    // A configuration of their own, which may name credentials and mirrors, is not to be hidden by ours.
    const own = existsSync(env["TF_CLI_CONFIG_FILE"] ?? join(home, ".terraformrc"));
    return {
      ...env,
      ...(engine === undefined ? {} : { FORGE_ENGINE: engine }),
      ...(own || !existsSync(join(mirror, "registry.terraform.io"))
        ? {}
        : { TF_CLI_CONFIG_FILE: this.store.writeCliConfig(mirror) }),
    };
  }

  private result(): DeployResult {
    const [first] = this.failures;
    const unclaimed = this.unclaimed.filter((id) => this.store.isDeployed(id));
    if (first === undefined) return { stacks: Object.fromEntries(this.outcomes), unclaimed, config: this.config };
    const { code, detail, fix } = first.diagnosis;
    const others = this.failures.slice(1).map(({ diagnosis }) => `\n  ${diagnosis.detail}`);
    throw new CliError(code, EXIT.failed, [detail, ...others].join(""), fix);
  }

  /** Ctrl-C interrupts Terraform, which ends with its state written. */
  private async guarded<T>(work: () => Promise<T>): Promise<T> {
    const end = (): void => {
      if (this.ask.interruptible !== false) this.ending.abort();
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, end);
    try {
      return await work();
    } finally {
      for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.off(signal, end);
    }
  }
}

/** Names of regions, checked: those of forge.toml, and where something is to be destroyed those that are deployed too. */
function wantedRegions(
  { regions, all, destroy }: DeployAsk,
  config: ForgeConfig,
  deployed: readonly string[],
): readonly string[] {
  const ofFile = config.regions.map(({ name }) => name);
  const ofStates = deployed.flatMap((id) => parseStackId(id)?.region ?? []);
  const known = [...new Set(destroy ? [...ofFile, ...ofStates] : ofFile)];
  if (all === regions.length > 0) {
    const message = all ? "name regions, or give --all: not both" : "which regions?";
    throw new CliError("usage", EXIT.badInput, message, `name some of ${known.join(", ")}, or give --all`);
  }
  const unknown = regions.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new CliError("unknownRegion", EXIT.notFound, `there is no region ${unknown}`, `there is ${known.join(", ")}`);
  return all ? known : [...new Set(regions)];
}
