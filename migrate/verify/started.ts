import {
  type AllocationStub,
  type Cluster,
  type Deployment,
  type Evaluation,
  jobPath,
  type RunningBody,
  type RunningJob,
} from "./cluster";
import type { Finding, WrittenJob } from "./finding";

export interface StartOptions {
  /** Seconds that a job has to become well. */
  readonly withinSecs: number;
  /** Waits so long; of the caller's clock. */
  pause(ms: number): Promise<void>;
  now(): number;
}

const ASK_EVERY_MS = 500;
/** Of what a task says of itself when it does not start. */
const EVENTS = 2;

/** The jobs that were written, as they are sent. */
export function runnable(jobs: readonly WrittenJob[]): readonly RunningJob[] {
  return jobs.map(({ file, json }) => {
    const body = (JSON.parse(json) as { readonly Job: RunningBody }).Job;
    return { file, id: body.ID, namespace: body.Namespace ?? "default", type: body.Type, body };
  });
}

/** What stands in the way before anything is started: jobs of these names, and namespaces that are not there. */
export async function obstacles(jobs: readonly RunningJob[], cluster: Cluster): Promise<readonly Finding[]> {
  const namespaces = await cluster.call<readonly { readonly Name: string }[]>("GET", "/v1/namespaces");
  const found: Finding[] = [];
  for (const job of jobs) {
    const file = `${job.file}.json`;
    if (!namespaces.some(({ Name }) => Name === job.namespace)) {
      const problem = `there is no namespace ${job.namespace}: \`nomad namespace apply ${job.namespace}\``;
      found.push({ file, problem });
    } else if (await isThere(job, cluster))
      found.push({ file, problem: `a job ${job.id} runs in ${job.namespace} already; verify does not touch it` });
  }
  return found;
}

async function isThere(job: RunningJob, cluster: Cluster): Promise<boolean> {
  try {
    const { Stop } = await cluster.call<{ readonly Stop?: boolean }>("GET", jobPath(job));
    return Stop !== true;
  } catch (error) {
    if ((error as { readonly status?: number }).status === 404) return false;
    throw error;
  }
}

/** Registers a job, and waits until Nomad calls it well: its deployment done, which its checks are part of. */
export async function startJob(job: RunningJob, cluster: Cluster, options: StartOptions): Promise<readonly Finding[]> {
  try {
    await cluster.call("PUT", "/v1/jobs", { Job: job.body });
  } catch (error) {
    return [{ file: `${job.file}.json`, problem: (error as Error).message }];
  }
  // Its schedule starts it.
  if (job.body.Periodic) return [];
  const untilMs = options.now() + options.withinSecs * 1000;
  for (;;) {
    const state = await stateOf(job, cluster);
    if (state === "well") return [];
    if (state !== "waiting" || options.now() > untilMs) {
      const why = state === "waiting" ? `it was not well within ${options.withinSecs} s` : state.failed;
      return [{ file: `${job.file}.json`, problem: [why, ...(await reasonsOf(job, cluster))].join("; ") }];
    }
    await options.pause(ASK_EVERY_MS);
  }
}

export async function allocationsOf(job: RunningJob, cluster: Cluster): Promise<readonly AllocationStub[]> {
  const all = await cluster.call<readonly AllocationStub[]>("GET", jobPath(job, "/allocations"));
  return all.filter(({ DesiredStatus }) => DesiredStatus === "run");
}

/** Ends and forgets it. */
export async function stopJob(job: RunningJob, cluster: Cluster): Promise<void> {
  await cluster.call("DELETE", `${jobPath(job)}&purge=true`);
}

async function stateOf(job: RunningJob, cluster: Cluster): Promise<"well" | "waiting" | { readonly failed: string }> {
  const allocations = await allocationsOf(job, cluster);
  const are = (status: string): boolean =>
    allocations.length > 0 && allocations.every(({ ClientStatus }) => ClientStatus === status);
  if (job.type === "batch") {
    if (allocations.some(({ ClientStatus }) => ClientStatus === "failed")) return { failed: "it failed" };
    return are("complete") || job.body.TaskGroups.every(({ Count }) => Count === 0) ? "well" : "waiting";
  }
  if (job.type === "service") {
    if (job.body.TaskGroups.every(({ Count }) => Count === 0)) return "well";
    const deployment = await cluster.call<Deployment | null>("GET", jobPath(job, "/deployment"));
    if (deployment?.Status === "successful") return "well";
    if (deployment?.Status === "failed" || deployment?.Status === "cancelled")
      return { failed: `its deployment ${deployment.Status}: ${deployment.StatusDescription}` };
    return "waiting";
  }
  return are("running") ? "well" : "waiting";
}

/** What Nomad says of why it is not well. */
async function reasonsOf(job: RunningJob, cluster: Cluster): Promise<readonly string[]> {
  const allocations = await allocationsOf(job, cluster);
  const told = allocations.flatMap(({ TaskStates }) =>
    Object.entries(TaskStates ?? {}).map(([task, { Events }]) => {
      const messages = (Events ?? []).slice(-EVENTS).map(({ DisplayMessage }) => DisplayMessage);
      return `task ${task}: ${messages.join(", ")}`;
    }),
  );
  if (told.length > 0) return [...new Set(told)];
  const evaluations = await cluster.call<readonly Evaluation[]>("GET", jobPath(job, "/evaluations"));
  return evaluations.flatMap(({ FailedTGAllocs }) =>
    Object.values(FailedTGAllocs ?? {}).map(({ NodesEvaluated, ConstraintFiltered, DimensionExhausted }) => {
      const why = Object.keys({ ...ConstraintFiltered, ...DimensionExhausted });
      return `none of ${NodesEvaluated} nodes takes it${why.length === 0 ? "" : `: ${why.join(", ")}`}`;
    }),
  );
}
