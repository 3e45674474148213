/**
 * Moving new matches from an old Agones cluster to Forge in steps. A plan is data: it is stored whole after each change, so
 * whoever leads next goes on where the last one stopped.
 *
 * | state | share of Forge | becomes |
 * |---|---|---|
 * | planned | not in force: calls go to Forge as without a plan | running |
 * | running | that of its step | running (next step), soaking, paused, aborted |
 * | paused | stays that of its step | running (the step begins anew), aborted |
 * | soaking | 100 | finished, paused, aborted |
 * | aborted | 0, in one write | running (from the first step) |
 * | finished | not in force any more: the old cluster is not asked | (none) |
 *
 * Live matches are never moved: only who takes the next new one is decided.
 */
export type ShiftState = "planned" | "running" | "paused" | "soaking" | "aborted" | "finished";

export interface ShiftGate {
  /** How long a step's gate has to be open before the next one, in seconds. */
  readonly holdSecs: number;
  /** Matches that Forge has to have placed in a step before it can be judged. */
  readonly minMatches: number;
  /** Share of the matches asked of Forge that it could not place, 0 to 1. */
  readonly maxErrorRate: number;
  /** Time to an answer of Forge, 99th percentile, in milliseconds. */
  readonly maxP99Ms: number;
  /** Sessions of players that Forge lost in a step, and matches that neither side could place. */
  readonly maxLost: number;
}

/** Files in PEM on the controllers' machines. With `certFile` goes `keyFile`. */
export interface AllocatorTls {
  /** Of the authority that the allocator's certificate comes from; the system's own without it. */
  readonly caFile?: string;
  /** The client's certificate, which Agones' allocator asks for unless it was turned off. */
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** What is asked for; `forge shift plan` fills in defaults. */
export interface ShiftWish {
  readonly experienceId: string;
  readonly agones: {
    readonly url: string;
    readonly namespace: string;
    readonly fleet: string;
    readonly tls?: AllocatorTls;
  };
  /** Forge's share of each step in percent, growing, the last one 100. */
  readonly steps: readonly number[];
  readonly gate: ShiftGate;
  /** How long everything goes to Forge before the old side may be given up, in seconds. */
  readonly soakSecs: number;
  /** A query of Prometheus that has to give a value of at most `max`; where it gives none the shift pauses. */
  readonly metric?: { readonly url: string; readonly query: string; readonly max: number };
}

export interface ShiftPlan extends ShiftWish {
  readonly state: ShiftState;
  /** Of `steps`; -1 before the first. */
  readonly step: number;
  /** Forge's share in force, in percent; undefined where the plan is not in force. */
  readonly share?: number;
  /** When the step began, by the leader's clock. */
  readonly sinceMs: number;
  /** Matches shared out in this step. */
  readonly counted: number;
  readonly reason: string;
  /** Who looked at the inventory and began. */
  readonly signedOff?: { readonly by: string; readonly atMs: number };
  /** Of the leader that wrote it; one with a lower epoch may not. */
  readonly epoch: number;
}

/** What Forge's side did since the step began; a value is undefined where it cannot be told. */
export interface ShiftSample {
  readonly placed: number;
  readonly failed: number;
  readonly p99Ms: number | undefined;
  readonly lost: number;
  /** The plan's metric: a value, or that nothing was heard of it; undefined where the plan has none. */
  readonly metric?: number | "unknown";
}

export type ShiftAction = "start" | "pause" | "resume" | "abort" | "finish";

export class ShiftRefused extends Error {}

/** A step that nobody plays in cannot be judged: after so many times its hold it pauses. */
const PATIENCE = 20;

/** What makes a wish no plan; undefined where it is one. */
export function whyNoPlan({ steps, gate, agones }: ShiftWish): string | undefined {
  const { certFile, keyFile } = agones.tls ?? {};
  if ((certFile === undefined) !== (keyFile === undefined)) return "certFile and keyFile go together";
  if (steps.at(-1) !== 100) return "the last step has to be 100";
  if (steps.some((step, at) => step <= (steps[at - 1] ?? 0))) return "each step has to be more than the one before";
  if (gate.maxErrorRate > 1) return "maxErrorRate is a share: 0 to 1";
  return undefined;
}

export function planOf(wish: ShiftWish, nowMs: number, epoch: number): ShiftPlan {
  return { ...wish, state: "planned", step: -1, sinceMs: nowMs, counted: 0, reason: "waits for its start", epoch };
}

/**
 * What somebody asked for.
 * @param by who it was
 * @throws {ShiftRefused} where the state does not allow it
 */
export function act(plan: ShiftPlan, action: ShiftAction, by: string, nowMs: number): ShiftPlan {
  const { state } = plan;
  const reason = `${by} asked for it`;
  switch (action) {
    case "start":
      if (state === "planned" || state === "aborted")
        return { ...enter(plan, 0, nowMs, reason), signedOff: { by, atMs: nowMs } };
      break;
    case "pause":
      if (state === "running" || state === "soaking") return { ...plan, state: "paused", reason };
      break;
    case "resume":
      if (state === "paused") return enter(plan, plan.step, nowMs, reason);
      break;
    case "abort":
      if (state === "running" || state === "soaking" || state === "paused") return abort(plan, nowMs, reason);
      break;
    case "finish":
      if (state === "soaking") {
        const leftMs = plan.sinceMs + plan.soakSecs * 1000 - nowMs;
        if (leftMs > 0) throw new ShiftRefused(`it soaks for ${Math.ceil(leftMs / 1000)} s more`);
        const { share: _share, ...rest } = plan;
        return { ...rest, state: "finished", reason };
      }
  }
  throw new ShiftRefused(`a shift that is ${state} cannot be told to ${action}`);
}

/** What the measures make of it: the next step, a pause where there is doubt, the way back where there is none. */
export function judge(plan: ShiftPlan, sample: ShiftSample, nowMs: number): ShiftPlan {
  if (plan.state !== "running" && plan.state !== "soaking") return plan;
  const bad = whyBad(plan, sample);
  if (bad !== undefined) return abort(plan, nowMs, bad);
  if (sample.metric === "unknown") return { ...plan, state: "paused", reason: "the plan's metric gives no value" };
  if (plan.state === "soaking") return plan;
  const heldSecs = (nowMs - plan.sinceMs) / 1000;
  const matches = sample.placed + sample.failed;
  if (heldSecs < plan.gate.holdSecs) return plan;
  if (matches < plan.gate.minMatches) {
    if (heldSecs < plan.gate.holdSecs * PATIENCE) return plan;
    return {
      ...plan,
      state: "paused",
      reason: `only ${matches} matches in ${Math.floor(heldSecs)} s: too few to judge`,
    };
  }
  const { placed, failed, p99Ms = 0, lost } = sample;
  const good = `${placed} placed, ${failed} failed, p99 ${Math.round(p99Ms)} ms, ${lost} lost`;
  return enter(plan, plan.step + 1, nowMs, good);
}

function whyBad({ gate, metric }: ShiftPlan, sample: ShiftSample): string | undefined {
  const { placed, failed, p99Ms, lost } = sample;
  if (lost > gate.maxLost) return `${lost} lost where ${gate.maxLost} may be`;
  if (metric !== undefined && typeof sample.metric === "number" && sample.metric > metric.max)
    return `the plan's metric is ${sample.metric} where ${metric.max} may be`;
  // A few matches say nothing of a rate.
  if (placed + failed < gate.minMatches) return undefined;
  const rate = failed / (placed + failed);
  if (rate > gate.maxErrorRate) return `${failed} of ${placed + failed} were not placed by Forge`;
  if (p99Ms !== undefined && p99Ms > gate.maxP99Ms)
    return `p99 is ${Math.round(p99Ms)} ms where ${gate.maxP99Ms} may be`;
  return undefined;
}

/** Begins a step; the one at 100 % is the soak. */
function enter(plan: ShiftPlan, step: number, nowMs: number, reason: string): ShiftPlan {
  const share = plan.steps[step] ?? 100;
  return { ...plan, state: share === 100 ? "soaking" : "running", step, share, sinceMs: nowMs, counted: 0, reason };
}

function abort(plan: ShiftPlan, nowMs: number, reason: string): ShiftPlan {
  return { ...plan, state: "aborted", share: 0, sinceMs: nowMs, counted: 0, reason };
}

/** What may be taken away once it is finished, in this order; each line is for a person, who checks before. */
export function decommissionList({ agones, experienceId }: ShiftWish): readonly string[] {
  const { namespace, fleet } = agones;
  return [
    `no match of ${experienceId} runs there any more: kubectl -n ${namespace} get gs -l agones.dev/fleet=${fleet} --field-selector status.state=Allocated`,
    `FleetAutoscalers of ${fleet}: kubectl -n ${namespace} get fleetautoscaler`,
    `the Fleet: kubectl -n ${namespace} scale fleet ${fleet} --replicas 0, and delete it a day later`,
    `the allocator's address ${agones.url} in backends, its client certificates, DNS names and firewall rules`,
    "node pools, images, secrets and dashboards that nothing else uses",
  ];
}
