import * as z from "zod";

/**
 * What Forge reads of Nomad's answers, of its event stream as of its lists. Lenient: keys that are not named here pass
 * unseen, and Go's `null` for an empty list or map is the empty one.
 */

const NANOSECONDS_PER_MS = 1e6;

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? "");
const count = z
  .number()
  .nullish()
  .transform((value) => value ?? 0);
const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);
const mapOf = <Value extends z.ZodType>(value: Value) =>
  z
    .record(z.string(), value)
    .nullish()
    .transform((map) => map ?? {});
const listOf = <Item extends z.ZodType>(item: Item) =>
  z
    .array(item)
    .nullish()
    .transform((list) => list ?? ([] as z.output<Item>[]));

const taskEvent = z
  .object({ Type: text, Time: count, DisplayMessage: text, DriverError: text, Details: mapOf(z.string()) })
  .transform((event) => ({
    type: event.Type,
    atMs: event.Time / NANOSECONDS_PER_MS,
    message: event.DriverError || event.DisplayMessage,
    /** Set where the task's process ended. */
    exitCode: numberIn(event.Details["exit_code"]),
    /** The one that ended the process; 0 where none did. */
    signal: numberIn(event.Details["signal"]),
    /** Of an event that a signal was sent, its name. */
    sent: event.Type === "Signaling" ? event.Details["signal"] : undefined,
    outOfMemory: event.Details["oom_killed"] === "true",
  }));

const taskState = z
  .object({ State: text, Failed: flag, StartedAt: text, FinishedAt: text, Events: listOf(taskEvent) })
  .transform((state) => ({
    state: state.State,
    failed: state.Failed,
    startedAtMs: timeIn(state.StartedAt),
    finishedAtMs: timeIn(state.FinishedAt),
    events: state.Events,
  }));

const port = z
  .object({ Label: text, Value: count, HostIP: text })
  .transform(({ Label, Value, HostIP }) => ({ label: Label, value: Value, hostIp: HostIP }));

export const allocationSchema = z
  .object({
    ID: z.string(),
    JobID: z.string(),
    NodeID: text,
    DesiredStatus: text,
    ClientStatus: text,
    ClientDescription: text,
    CreateIndex: count,
    ModifyIndex: count,
    ModifyTime: count,
    TaskStates: mapOf(taskState),
    AllocatedResources: z
      .object({ Shared: z.object({ Ports: listOf(port) }).nullish(), Tasks: mapOf(z.unknown()) })
      .nullish(),
  })
  .transform((allocation) => ({
    id: allocation.ID,
    jobId: allocation.JobID,
    nodeId: allocation.NodeID,
    /** `run`, `stop` or `evict`. */
    desired: allocation.DesiredStatus,
    /** `pending`, `running`, `complete`, `failed`, `lost` or `unknown` (its node is out of reach). */
    client: allocation.ClientStatus,
    description: allocation.ClientDescription,
    createIndex: allocation.CreateIndex,
    modifyIndex: allocation.ModifyIndex,
    modifiedAtMs: allocation.ModifyTime / NANOSECONDS_PER_MS,
    tasks: allocation.TaskStates,
    taskNames: Object.keys(allocation.AllocatedResources?.Tasks ?? {}),
    ports: allocation.AllocatedResources?.Shared?.Ports ?? [],
  }));

const driverConfig = z.object({ image: text }).catch({ image: "" });
const jobTask = z.object({
  Name: text,
  Driver: text,
  Leader: flag,
  KillTimeout: count,
  Config: driverConfig.nullish(),
});
const jobGroup = z.object({ Name: text, Tasks: listOf(jobTask) });

export const jobSchema = z
  .object({
    ID: z.string(),
    ParentID: text,
    Status: text,
    Stop: flag,
    CreateIndex: count,
    ModifyIndex: count,
    JobModifyIndex: count,
    SubmitTime: count,
    Meta: mapOf(z.string()),
    TaskGroups: listOf(jobGroup),
    // A list says only whether there is one.
    ParameterizedJob: z
      .union([z.boolean(), z.object({ MetaRequired: listOf(z.string()), MetaOptional: listOf(z.string()) })])
      .nullish(),
  })
  .transform((job) => ({
    id: job.ID,
    parentId: job.ParentID,
    status: job.Status,
    stopped: job.Stop,
    createIndex: job.CreateIndex,
    modifyIndex: Math.max(job.ModifyIndex, job.JobModifyIndex),
    submittedAtMs: job.SubmitTime / NANOSECONDS_PER_MS,
    meta: job.Meta,
    /** Empty in a list. */
    tasks: job.TaskGroups.flatMap(({ Tasks }) =>
      Tasks.map((task) => ({
        name: task.Name,
        driver: task.Driver,
        leader: task.Leader,
        killTimeoutMs: task.KillTimeout / NANOSECONDS_PER_MS,
        image: task.Config?.image ?? "",
      })),
    ),
    /** Meta that a dispatch may bring; undefined where the job is not dispatched from, and in a list. */
    dispatchMeta:
      typeof job.ParameterizedJob === "object" && job.ParameterizedJob !== null
        ? { required: job.ParameterizedJob.MetaRequired, optional: job.ParameterizedJob.MetaOptional }
        : undefined,
  }));

/** Why nothing could be placed: what Nomad's scheduler counted while it looked at the nodes. */
const placementSchema = z
  .object({
    NodesEvaluated: count,
    NodesFiltered: count,
    NodesExhausted: count,
    NodesInPool: count,
    NodePool: text,
    NodesAvailable: mapOf(z.number()),
    ConstraintFiltered: mapOf(z.number()),
    DimensionExhausted: mapOf(z.number()),
    QuotaExhausted: listOf(z.string()),
  })
  .transform((metrics) => ({
    evaluated: metrics.NodesEvaluated,
    filtered: metrics.NodesFiltered,
    exhausted: metrics.NodesExhausted,
    inPool: metrics.NodesInPool,
    pool: metrics.NodePool || "default",
    /** Ready nodes by datacenter. */
    available: metrics.NodesAvailable,
    filteredBy: metrics.ConstraintFiltered,
    exhaustedBy: metrics.DimensionExhausted,
    quotas: metrics.QuotaExhausted,
  }));

export const evaluationSchema = z
  .object({
    ID: z.string(),
    JobID: text,
    Status: text,
    StatusDescription: text,
    BlockedEval: text,
    ModifyIndex: count,
    FailedTGAllocs: mapOf(placementSchema),
  })
  .transform((evaluation) => ({
    id: evaluation.ID,
    jobId: evaluation.JobID,
    /** `pending`, `complete`, `blocked`, `failed` or `canceled`. */
    status: evaluation.Status,
    description: evaluation.StatusDescription,
    /** The evaluation that waits for capacity in this one's place. */
    blockedId: evaluation.BlockedEval,
    modifyIndex: evaluation.ModifyIndex,
    failures: Object.values(evaluation.FailedTGAllocs),
  }));

export const nodeSchema = z
  .object({
    ID: z.string(),
    Name: text,
    Address: text,
    HTTPAddr: text,
    Status: text,
    StatusDescription: text,
    ModifyIndex: count,
    Meta: mapOf(z.string()),
  })
  .transform((node) => ({
    id: node.ID,
    name: node.Name,
    address: node.Address || node.HTTPAddr.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1"),
    /** `initializing`, `ready`, `down` or `disconnected`. */
    status: node.Status,
    description: node.StatusDescription,
    modifyIndex: node.ModifyIndex,
    /** Empty in a list. */
    meta: node.Meta,
  }));

export const dispatchSchema = z
  .object({ DispatchedJobID: z.string(), EvalID: text })
  .transform((answer) => ({ jobId: answer.DispatchedJobID, evaluationId: answer.EvalID }));

export const fileSchema = z
  .object({ Name: text, Size: count })
  .transform(({ Name, Size }) => ({ name: Name, size: Size }));

export type NomadAllocation = z.output<typeof allocationSchema>;
export type NomadTaskState = NomadAllocation["tasks"][string];
export type NomadJob = z.output<typeof jobSchema>;
export type NomadEvaluation = z.output<typeof evaluationSchema>;
export type NomadPlacement = NomadEvaluation["failures"][number];
export type NomadNode = z.output<typeof nodeSchema>;
export type NomadDispatch = z.output<typeof dispatchSchema>;
export type NomadFile = z.output<typeof fileSchema>;

function numberIn(value: string | undefined): number | undefined {
  return value !== undefined && /^-?\d+$/.test(value) ? Number(value) : undefined;
}

/** Nomad writes Go's zero time for "not yet". */
function timeIn(value: string): number | undefined {
  const ms = Date.parse(value);
  return Number.isNaN(ms) || ms <= 0 ? undefined : ms;
}
