import { z } from "zod";

/**
 * For tests: the part of Nomad's job API that Forge uses, strict, so that a key Nomad would ignore or refuse shows.
 * Names and types are those of `api/jobs.go`, `api/tasks.go` and `api/resources.go` of Nomad 2.0; the checks are those
 * that its servers make when a job is registered. `nomad job validate` on a real Nomad has the last word.
 */

const duration = z.int().min(0);
const text = z.string().min(1);
const strings = z.record(text, z.string());
const port = z.strictObject({
  Label: z.string().regex(/^[a-zA-Z0-9_]+$/),
  Value: z.int().min(1).max(65_535).optional(),
  To: z.int().min(-1).max(65_535).optional(),
});

const network = z.strictObject({
  Mode: z.enum(["host", "bridge"]),
  ReservedPorts: z.array(port.required({ Value: true })),
  DynamicPorts: z.array(port.omit({ Value: true })),
});

/** A file of its own, so that a task reads the newest; `default`, `vault_…` and `consul_…` are Nomad's names. */
const identity = z.strictObject({
  Name: z.string().regex(/^(?!default$|vault_|consul_)[\w-]{1,128}$/),
  Audience: z.array(text).min(1),
  Env: z.boolean(),
  File: z.literal(true),
  TTL: duration.min(1),
});

const task = z.strictObject({
  Name: z.string().regex(/^[^/\\\0]+$/),
  Driver: text,
  Config: z.record(z.string().regex(/^[a-z_]+$/), z.union([z.string(), z.array(z.string())])),
  Env: strings,
  Resources: z
    .strictObject({ CPU: z.int().min(1).optional(), Cores: z.int().min(1).optional(), MemoryMB: z.int().min(10) })
    .refine((resources) => (resources.CPU === undefined) !== (resources.Cores === undefined), "CPU or Cores"),
  LogConfig: z.strictObject({ MaxFiles: z.int().min(1), MaxFileSizeMB: z.int().min(1) }),
  KillSignal: z.string().regex(/^SIG[A-Z0-9]+$/),
  KillTimeout: duration,
  Leader: z.boolean(),
  Identity: identity
    .omit({ TTL: true })
    .extend({ Name: z.literal("default"), TTL: duration.optional() })
    .optional(),
  Identities: z.array(identity).min(1).optional(),
  Artifacts: z
    .array(
      z.strictObject({
        GetterSource: z.string().regex(/^https?:\/\//),
        GetterOptions: z.strictObject({ checksum: z.string().regex(/^sha256:[0-9a-f]{64}$/) }),
        GetterMode: z.literal("file"),
        RelativeDest: z.string().regex(/^local\//),
      }),
    )
    .optional(),
  VolumeMounts: z.array(z.strictObject({ Volume: text, Destination: z.string().startsWith("/") })).optional(),
});

const group = z
  .strictObject({
    Name: text,
    Count: z.int().min(0),
    Networks: z.array(network).max(1),
    RestartPolicy: z.strictObject({
      Attempts: z.int().min(0),
      Mode: z.enum(["fail", "delay"]),
      Interval: duration.optional(),
      Delay: duration.optional(),
    }),
    ReschedulePolicy: z
      .strictObject({
        Attempts: z.int().min(0),
        Unlimited: z.boolean(),
        Delay: duration.optional(),
        DelayFunction: z.enum(["constant", "exponential", "fibonacci"]).optional(),
        MaxDelay: duration.optional(),
      })
      .optional(),
    Disconnect: z
      .strictObject({
        LostAfter: duration,
        Replace: z.boolean(),
        Reconcile: z.enum(["keep_original", "keep_replacement", "best_score", "longest_running"]),
      })
      .optional(),
    EphemeralDisk: z.strictObject({ SizeMB: z.int().min(10) }),
    Volumes: z
      .record(
        text,
        z.strictObject({
          Name: text,
          Type: z.enum(["host", "csi"]),
          Source: text,
          ReadOnly: z.boolean(),
          AccessMode: text,
          AttachmentMode: text,
        }),
      )
      .optional(),
    Tasks: z.array(task).min(1),
  })
  .superRefine((value, context) => {
    const complain = (message: string) => context.addIssue({ code: "custom", message });
    const logs = value.Tasks.map(({ LogConfig }) => LogConfig.MaxFiles * LogConfig.MaxFileSizeMB);
    if (logs.reduce((sum, size) => sum + size, 0) >= value.EphemeralDisk.SizeMB) complain("logs must fit on the disk");
    const labels = value.Networks.flatMap((net) =>
      [...net.ReservedPorts, ...net.DynamicPorts].map(({ Label }) => Label),
    );
    if (new Set(labels).size !== labels.length) complain("port labels must differ");
    if (new Set(value.Tasks.map(({ Name }) => Name)).size !== value.Tasks.length) complain("task names must differ");
    if (value.Tasks.filter(({ Leader }) => Leader).length > 1) complain("only one task may lead");
    const volumes = Object.keys(value.Volumes ?? {});
    const mounted = value.Tasks.flatMap(({ VolumeMounts }) => VolumeMounts ?? []);
    if (mounted.some(({ Volume }) => !volumes.includes(Volume))) complain("a mounted volume must be the group's");
  });

const parameterized = z
  .strictObject({
    Payload: z.enum(["optional", "required", "forbidden"]),
    MetaRequired: z.array(text),
    MetaOptional: z.array(text),
  })
  .refine((of) => of.MetaRequired.every((key) => !of.MetaOptional.includes(key)), "meta keys must be disjoint");

export const nomadJobModel = z.strictObject({
  Job: z
    .strictObject({
      ID: z.string().regex(/^[^\s\0]+$/),
      Name: text,
      Type: z.enum(["batch", "service", "system", "sysbatch"]),
      Namespace: text,
      Datacenters: z.array(text).min(1),
      NodePool: text.optional(),
      Priority: z.int().min(1).max(100).optional(),
      Constraints: z
        .array(
          z.union([
            z.strictObject({ LTarget: text, Operand: z.enum(["=", "!=", "is_set"]), RTarget: z.string() }),
            z.strictObject({ Operand: z.literal("distinct_hosts"), RTarget: z.literal("true") }),
          ]),
        )
        .optional(),
      Spreads: z.array(z.strictObject({ Attribute: text, Weight: z.int().min(1).max(100) })).optional(),
      Update: z
        .strictObject({
          MaxParallel: z.int().min(1),
          Canary: z.int().min(0),
          AutoPromote: z.boolean(),
          AutoRevert: z.boolean(),
          HealthCheck: z.literal("task_states"),
          MinHealthyTime: duration,
          HealthyDeadline: duration,
          ProgressDeadline: duration,
        })
        .refine((update) => update.ProgressDeadline > update.HealthyDeadline, "progress after healthy")
        .refine((update) => update.HealthyDeadline > update.MinHealthyTime, "healthy deadline after healthy time")
        .refine((update) => update.Canary > 0 || !update.AutoPromote, "nothing to promote")
        .optional(),
      Meta: strings,
      ParameterizedJob: parameterized.optional(),
      TaskGroups: z.array(group).min(1),
    })
    .refine(
      (job) => job.ParameterizedJob === undefined || job.Type === "batch" || job.Type === "sysbatch",
      "only batch jobs can be parameterized",
    )
    .refine((job) => job.Type !== "batch" || job.Update === undefined, "batch jobs are not updated")
    .refine(
      (job) => job.Type !== "system" || job.TaskGroups.every((each) => each.ReschedulePolicy === undefined),
      "system jobs are not rescheduled",
    ),
});

export type NomadJob = z.output<typeof nomadJobModel>["Job"];
