import type {
  ArtifactSpec,
  ConstraintSpec,
  GroupSpec,
  IdentitySpec,
  JobSpec,
  RescheduleSpec,
  RestartSpec,
  TaskSpec,
  UpdateSpec,
} from "./spec";

/** Values of JSON; keys as in Nomad's HTTP API, durations in nanoseconds. */
export type Json = string | number | boolean | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

const NANOSECONDS = 1_000_000_000;

/**
 * The body of `PUT /v1/jobs`, which `nomad job run -json` and Terraform's `nomad_job` with `json = true` take as well.
 * Only keys with a meaning of ours are written; for all others Nomad's defaults hold.
 */
export function renderJob(job: JobSpec): JsonObject {
  return {
    Job: {
      ID: job.id,
      Name: job.id,
      Type: job.type,
      Namespace: job.namespace,
      Datacenters: job.datacenters,
      ...given("NodePool", job.nodePool),
      ...given("Priority", job.priority),
      ...given("Constraints", job.constraints?.map(renderConstraint)),
      ...given(
        "Spreads",
        job.spreads?.map(({ attribute, weight }) => ({ Attribute: attribute, Weight: weight })),
      ),
      ...given("Update", job.update === undefined ? undefined : renderUpdate(job.update)),
      Meta: job.meta,
      ...(job.parameterized === undefined
        ? {}
        : {
            ParameterizedJob: {
              Payload: "forbidden",
              MetaRequired: job.parameterized.metaRequired,
              MetaOptional: job.parameterized.metaOptional,
            },
          }),
      TaskGroups: job.groups.map(renderGroup),
    },
  };
}

/** A key, where it has a value. */
function given(key: string, value: Json | undefined): JsonObject {
  return value === undefined ? {} : { [key]: value };
}

function renderConstraint(constraint: ConstraintSpec): JsonObject {
  if (constraint === "distinct_hosts") return { Operand: "distinct_hosts", RTarget: "true" };
  const { attribute, operator, value } = constraint;
  return { LTarget: attribute, Operand: operator, RTarget: value };
}

/** By task states: Forge's programs have no check of Nomad's, for their jobs have no services. */
function renderUpdate(update: UpdateSpec): JsonObject {
  return {
    MaxParallel: update.maxParallel,
    Canary: update.canaries,
    AutoPromote: update.autoPromote,
    AutoRevert: update.autoRevert,
    HealthCheck: "task_states",
    MinHealthyTime: nanoseconds(update.minHealthySecs),
    HealthyDeadline: nanoseconds(update.healthyDeadlineSecs),
    ProgressDeadline: nanoseconds(update.progressDeadlineSecs),
  };
}

function renderRestart({ attempts, mode, intervalSecs, delaySecs }: RestartSpec): JsonObject {
  return {
    Attempts: attempts,
    Mode: mode,
    ...given("Interval", intervalSecs === undefined ? undefined : nanoseconds(intervalSecs)),
    ...given("Delay", delaySecs === undefined ? undefined : nanoseconds(delaySecs)),
  };
}

function renderReschedule({ attempts, unlimited, delaySecs, maxDelaySecs }: RescheduleSpec): JsonObject {
  return {
    Attempts: attempts,
    Unlimited: unlimited,
    ...(delaySecs === undefined ? {} : { Delay: nanoseconds(delaySecs), DelayFunction: "exponential" }),
    ...given("MaxDelay", maxDelaySecs === undefined ? undefined : nanoseconds(maxDelaySecs)),
  };
}

function renderGroup(group: GroupSpec): JsonObject {
  const { restart, reschedule, disconnect, volumes } = group;
  return {
    Name: group.name,
    Count: group.count,
    Networks: [renderNetwork(group)],
    RestartPolicy: renderRestart(restart),
    ...given("ReschedulePolicy", reschedule === undefined ? undefined : renderReschedule(reschedule)),
    ...(disconnect === undefined
      ? {}
      : {
          Disconnect: {
            LostAfter: nanoseconds(disconnect.lostAfterSecs),
            Replace: disconnect.replace,
            Reconcile: disconnect.reconcile,
          },
        }),
    EphemeralDisk: { SizeMB: group.diskMb },
    ...(volumes.length === 0
      ? {}
      : {
          Volumes: Object.fromEntries(
            volumes.map(({ name, source }) => [
              name,
              {
                Name: name,
                Type: "host",
                Source: source,
                ReadOnly: false,
                AccessMode: "single-node-writer",
                AttachmentMode: "file-system",
              },
            ]),
          ),
        }),
    Tasks: group.tasks.map((task) => renderTask(task, group)),
  };
}

function renderNetwork({ network }: GroupSpec): JsonObject {
  // In a bridge the server listens on the number that players are told, as it does on the host's network.
  const to = network.mode === "bridge" ? { To: -1 } : {};
  const fixed = network.ports.flatMap(({ label, static: port }) =>
    port === undefined ? [] : [{ Label: label, Value: port, ...to }],
  );
  const dynamic = network.ports
    .filter((port) => port.static === undefined)
    .map(({ label }) => ({ Label: label, ...to }));
  return { Mode: network.mode, ReservedPorts: fixed, DynamicPorts: dynamic };
}

function renderTask(task: TaskSpec, group: GroupSpec): JsonObject {
  const { cpu, cores, memory } = task.resources;
  const mounts = group.volumes.filter(({ name }) => task.volumes.includes(name));
  return {
    Name: task.name,
    Driver: task.driver,
    Config: task.config,
    Env: task.env,
    Resources: { ...(cores === undefined ? { CPU: cpu } : { Cores: cores }), MemoryMB: memory },
    LogConfig: { MaxFiles: task.logs.maxFiles, MaxFileSizeMB: task.logs.maxFileSizeMb },
    KillSignal: task.killSignal,
    KillTimeout: nanoseconds(task.killTimeoutSecs),
    Leader: task.leader,
    ...renderIdentities(task.identities ?? []),
    ...given("Artifacts", task.artifacts?.map(renderArtifact)),
    ...(mounts.length === 0
      ? {}
      : { VolumeMounts: mounts.map(({ name, destination }) => ({ Volume: name, Destination: destination })) }),
  };
}

/** The default identity has a key of its own in Nomad's API. */
function renderIdentities(identities: readonly IdentitySpec[]): JsonObject {
  const render = ({ name, audience, env, ttlSecs }: IdentitySpec): JsonObject => ({
    Name: name,
    Audience: audience,
    Env: env,
    File: true,
    ...given("TTL", ttlSecs === undefined ? undefined : nanoseconds(ttlSecs)),
  });
  const own = identities.find(({ name }) => name === "default");
  const others = identities.filter(({ name }) => name !== "default");
  return {
    ...given("Identity", own === undefined ? undefined : render(own)),
    ...given("Identities", others.length === 0 ? undefined : others.map(render)),
  };
}

function renderArtifact({ url, sha256, destination }: ArtifactSpec): JsonObject {
  return {
    GetterSource: url,
    GetterOptions: { checksum: `sha256:${sha256}` },
    GetterMode: "file",
    RelativeDest: destination,
  };
}

function nanoseconds(seconds: number): number {
  return Math.round(seconds * NANOSECONDS);
}
