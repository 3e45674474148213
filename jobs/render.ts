import type { GroupSpec, JobSpec, TaskSpec } from "./spec";

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

function renderGroup(group: GroupSpec): JsonObject {
  const { restart, reschedule, disconnect, volumes } = group;
  return {
    Name: group.name,
    Count: group.count,
    Networks: [renderNetwork(group)],
    RestartPolicy: { Attempts: restart.attempts, Mode: restart.mode },
    ReschedulePolicy: { Attempts: reschedule.attempts, Unlimited: reschedule.unlimited },
    Disconnect: {
      LostAfter: nanoseconds(disconnect.lostAfterSecs),
      Replace: disconnect.replace,
      Reconcile: disconnect.reconcile,
    },
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
    ...(mounts.length === 0
      ? {}
      : { VolumeMounts: mounts.map(({ name, destination }) => ({ Volume: name, Destination: destination })) }),
  };
}

function nanoseconds(seconds: number): number {
  return Math.round(seconds * NANOSECONDS);
}
