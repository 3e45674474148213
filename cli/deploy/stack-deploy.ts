import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ApplyMark, findOrphans, mayCollide, removeOrphan, type DeployedSystems, type Orphan } from "./broken-apply";
import type { DeployEvent, StackOutcome } from "./deploy-events";
import { diagnose, type Diagnosis } from "./diagnosis";
import { plannedChanges, type PlannedChange } from "./plan-words";
import { parseStackId } from "./stack-names";
import { Terraform, type TerraformOptions, type TerraformRun } from "./terraform";
import type { TerraformLine } from "./terraform-lines";
import { errorMessage } from "../error-code";

export interface StackDeployOptions extends TerraformOptions {
  readonly stack: string;
  readonly folder: string;
  readonly destroy: boolean;
  readonly now: () => number;
  readonly tell: (event: DeployEvent) => void;
  /** Of the stack's region; asked for where an apply was killed before. */
  readonly systems: <T>(work: (systems: DeployedSystems) => Promise<T>) => Promise<T>;
  /** Asked once the plan is known and holds changes; `false` leaves everything as it is. */
  readonly approve: (changes: readonly PlannedChange[]) => Promise<boolean>;
}

/** A stack could not be planned or deployed; `diagnosis` says why and what to do. */
export class StackFailed extends Error {
  constructor(readonly diagnosis: Diagnosis) {
    super(diagnosis.detail);
    this.name = "StackFailed";
  }
}

const PLAN_FILE = "forge.tfplan";
const SAID_PREFIX = /^\s*(?:\([\w-]+\):\s*)?/;

/**
 * One stack from init to apply. What was broken off before goes on: Terraform's state says how far it came, and what it does
 * not know of an apply that was killed is looked for.
 */
export class StackDeploy {
  private readonly terraform: Terraform;
  private readonly mark: ApplyMark;
  private readonly startedMs: number;
  private words: ReadonlyMap<string, string> = new Map();
  private readonly startedAt = new Map<string, number>();

  constructor(private readonly options: StackDeployOptions) {
    this.terraform = new Terraform(options.folder, options);
    this.mark = new ApplyMark(options.folder);
    this.startedMs = options.now();
  }

  /** @throws {StackFailed} */
  async run(): Promise<StackOutcome> {
    const { tell, stack, destroy } = this.options;
    try {
      await this.init();
      await this.adopt();
      const changes = await this.plan();
      if (changes.length === 0 && !destroy) return this.done("unchanged");
      if (changes.length > 0 && !(await this.options.approve(changes))) return this.done("declined");
      await this.apply(changes);
      return this.done(destroy ? "destroyed" : "deployed");
    } catch (error) {
      if (error instanceof StackFailed) tell({ stack, type: "failed", ...error.diagnosis });
      throw error;
    } finally {
      this.forgetPlan();
    }
  }

  /** What would change. @throws {StackFailed} */
  async preview(): Promise<readonly PlannedChange[]> {
    try {
      await this.init();
      return await this.plan();
    } finally {
      this.forgetPlan();
    }
  }

  /** It holds what is to be deployed, and serves once. */
  private forgetPlan(): void {
    rmSync(join(this.options.folder, PLAN_FILE), { force: true });
  }

  private async init(): Promise<void> {
    const init = await this.terraform.init();
    if (init.code !== 0) throw this.failed(init, "init");
  }

  /** Takes into the state what a killed apply has made without its knowing: it could not be made again. */
  private async adopt(): Promise<void> {
    const left = this.mark.left();
    if (!mayCollide(left)) return this.mark.end();
    const { folder, stack, systems, tell } = this.options;
    const json: unknown = JSON.parse(readFileSync(join(folder, "cdk.tf.json"), "utf8"));
    const known = await this.terraform.stateList();
    const orphans: Orphan[] = [];
    try {
      await systems(async (of) => {
        for (const orphan of await findOrphans(left, known, json, of))
          if (!(await removeOrphan(orphan, of))) orphans.push(orphan);
      });
    } catch (error) {
      throw new StackFailed(diagnose(stack, { severity: "error", summary: errorMessage(error), detail: "" }));
    }
    for (const { address, id } of orphans) {
      const imported = await this.terraform.import(address, id);
      if (imported.code !== 0) throw this.failed(imported, "import");
      tell({ stack, type: "said", address, text: `${address} was made by a deploy that was broken off: taken over` });
    }
    this.mark.end();
  }

  private async plan(): Promise<readonly PlannedChange[]> {
    const { stack, destroy, tell } = this.options;
    const plan = await this.terraform.plan(PLAN_FILE, () => undefined, destroy);
    if (plan.code !== 0) throw this.failed(plan, "plan");
    const region = parseStackId(stack)?.region ?? stack;
    const changes = plannedChanges(await this.terraform.show(PLAN_FILE), region);
    this.words = new Map(changes.map(({ address, words }) => [address, words]));
    tell({ stack, type: "planned", changes });
    return changes;
  }

  private async apply(changes: readonly PlannedChange[]): Promise<void> {
    const made = changes.filter(({ action }) => action === "create" || action === "replace");
    this.mark.begin(made.map(({ address }) => address));
    const applied = await this.terraform.apply(PLAN_FILE, (line) => this.progress(line));
    // By a signal, and not by itself: its state may not have all.
    if (!applied.killed) this.mark.end();
    if (applied.code !== 0) throw this.failed(applied, "apply");
  }

  private progress({ type, hook }: TerraformLine): void {
    if (hook === undefined) return;
    const { stack, tell, now } = this.options;
    const address = hook.resource.addr;
    const words = this.words.get(address) ?? address;
    const tookMs = now() - (this.startedAt.get(address) ?? now());
    if (type === "apply_start" && !this.startedAt.has(address)) {
      this.startedAt.set(address, now());
      tell({ stack, type: "started", address, words });
    }
    if (type === "apply_progress") tell({ stack, type: "waiting", address, words, tookMs });
    // Of one that is made anew, its end is half of it.
    if (type === "apply_complete" && !(hook.action === "delete" && words.includes("anew")))
      tell({ stack, type: "finished", address, words, tookMs });
    const text = (hook.output ?? "").replace(SAID_PREFIX, "").trimEnd();
    if (type === "provision_progress" && text !== "" && !text.startsWith("Executing: "))
      tell({ stack, type: "said", address, text });
  }

  private done(outcome: StackOutcome): StackOutcome {
    const { stack, tell, now } = this.options;
    tell({ stack, type: "done", outcome, tookMs: now() - this.startedMs });
    return outcome;
  }

  private failed(run: TerraformRun, step: string): StackFailed {
    const { stack, signal } = this.options;
    if (signal.aborted) return new StackFailed({ ...BROKEN_OFF, detail: `${stack}: ${BROKEN_OFF.detail}` });
    const [first = ofText(run, step)] = run.errors;
    return new StackFailed(diagnose(stack, first));
  }
}

const BROKEN_OFF: Diagnosis = {
  code: "brokenOff",
  detail: "broken off where it was",
  fix: "run the same command again: it goes on from there",
};

/** `terraform init` has no JSON worth reading in all versions: its error is a block of text. */
function ofText({ said, code }: TerraformRun, step: string): TerraformRun["errors"][number] {
  const at = said.indexOf("Error: ");
  const text = at < 0 ? said.trim().slice(-1000) : said.slice(at + "Error: ".length);
  const [summary = "", ...rest] = text.replace(/^[│╷╵]\s?/gm, "").split("\n");
  return {
    severity: "error",
    summary: summary.trim() || `terraform ${step} ended with ${code}`,
    detail: rest.join("\n").trim(),
  };
}
