import { z } from "zod";
import { isCron } from "../convert/cron";
import type { Json } from "./finding";

/**
 * Rules that Nomad's servers hold a job to, for where no Nomad is there to ask: those that a job from manifests could break.
 * Sources: `structs.go`, `services.go` and `volumes.go` of Nomad 2.0. Nomad itself knows more; ask it where there is one.
 */

const SECOND = 1e9;
const name = z.string().min(1);
const list = <T extends z.ZodType>(of: T) => z.array(of).nullish();

const portSchema = z.object({ Label: name, Value: z.int().min(0).max(65_535).default(0), To: z.int().default(0) });
const networkSchema = z.object({
  Mode: z.string().default(""),
  ReservedPorts: list(portSchema),
  DynamicPorts: list(portSchema),
});
const checkSchema = z.object({
  Name: z.string().default(""),
  Type: z.string(),
  PortLabel: z.string().default(""),
  Path: z.string().default(""),
  Command: z.string().default(""),
  TaskName: z.string().default(""),
  Interval: z.number().default(0),
  Timeout: z.number().default(0),
  SuccessBeforePassing: z.number().default(0),
  FailuresBeforeCritical: z.number().default(0),
});
const serviceSchema = z.object({
  Name: name,
  PortLabel: z.string().default(""),
  Provider: z.string().default("consul"),
  Checks: list(checkSchema),
});
const taskSchema = z.object({
  Name: name,
  Driver: name,
  KillTimeout: z.number().default(0),
  Config: z.record(z.string(), z.unknown()).nullish(),
  Lifecycle: z.object({ Hook: z.string() }).nullish(),
  Resources: z.object({
    CPU: z.number().default(100),
    MemoryMB: z.number().default(300),
    MemoryMaxMB: z.number().nullish(),
  }),
  Templates: list(z.object({ EmbeddedTmpl: z.string().default(""), DestPath: z.string().default("") })),
  VolumeMounts: list(z.object({ Volume: name, Destination: name })),
});
const updateSchema = z.object({
  MinHealthyTime: z.number().default(10 * SECOND),
  HealthyDeadline: z.number().default(300 * SECOND),
  ProgressDeadline: z.number().default(600 * SECOND),
});
const groupSchema = z.object({
  Name: name,
  Count: z.int().min(0).nullish(),
  Networks: list(networkSchema),
  Services: list(serviceSchema),
  Tasks: z.array(taskSchema),
  Volumes: z.record(z.string(), z.object({ Source: z.string().default("") })).nullish(),
  Scaling: z.object({ Min: z.number().default(0), Max: z.number().default(0) }).nullish(),
  Update: updateSchema.nullish(),
});
const jobSchema = z.object({
  ID: name,
  Type: z.enum(["service", "batch", "system", "sysbatch"]),
  Priority: z.int().min(1).max(32_766).nullish(),
  Datacenters: z.array(name).min(1).nullish(),
  Periodic: z.object({ Specs: list(z.string()) }).nullish(),
  TaskGroups: z.array(groupSchema).min(1),
});

type Job = z.output<typeof jobSchema>;
type Group = z.output<typeof groupSchema>;
type Service = z.output<typeof serviceSchema>;

/** What a job breaks, as sentences; none where Nomad's own validation is likely to take it. */
export function brokenRules(job: Json): readonly string[] {
  const read = jobSchema.safeParse(job);
  if (!read.success) return read.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  return [...ofJob(read.data), ...read.data.TaskGroups.flatMap((group) => [...ofGroup(group, read.data)])];
}

function* ofJob({ ID, Type, Periodic }: Job): Generator<string> {
  if (/[\s\0]/.test(ID)) yield `the ID "${ID}" holds a space`;
  if (Periodic && Type !== "batch" && Type !== "sysbatch") yield `a job of type ${Type} cannot be periodic`;
  for (const spec of Periodic?.Specs ?? []) if (!isCron(spec)) yield `the schedule "${spec}" is none`;
}

function* ofGroup(group: Group, { Type }: Job): Generator<string> {
  const { Tasks, Update, Scaling, Networks, Volumes } = group;
  if (Tasks.every(({ Lifecycle }) => Lifecycle)) yield "a group needs a task that is no hook";
  yield* twice(
    "task",
    Tasks.map((task) => task.Name),
  );
  const update = Update ?? (Type === "service" ? updateSchema.parse({}) : undefined);
  if (update && (Type === "service" || Type === "system")) {
    const { MinHealthyTime, HealthyDeadline, ProgressDeadline } = update;
    if (MinHealthyTime >= HealthyDeadline) yield "update: min_healthy_time has to be below healthy_deadline";
    if (ProgressDeadline !== 0 && HealthyDeadline >= ProgressDeadline)
      yield "update: healthy_deadline has to be below progress_deadline";
    for (const { Name, KillTimeout } of Tasks)
      if (Type === "service" && ProgressDeadline !== 0 && KillTimeout > ProgressDeadline)
        yield `task ${Name}: kill_timeout is above update's progress_deadline`;
  }
  if (Scaling && Scaling.Min > Scaling.Max) yield "scaling: min is above max";
  if (Scaling && group.Count != null && (group.Count < Scaling.Min || group.Count > Scaling.Max))
    yield `count ${group.Count} is outside of scaling, ${Scaling.Min} to ${Scaling.Max}`;
  const ports = (Networks ?? []).flatMap((each) => [...(each.ReservedPorts ?? []), ...(each.DynamicPorts ?? [])]);
  yield* twice(
    "port label",
    ports.map(({ Label }) => Label.toLowerCase()),
  );
  yield* twice(
    "static port",
    ports.flatMap(({ Value }) => (Value === 0 ? [] : String(Value))),
  );
  const labels = new Set(ports.map(({ Label }) => Label));
  yield* twice(
    "service with its port",
    (group.Services ?? []).map(({ Name, PortLabel }) => `${Name}:${PortLabel}`),
  );
  for (const service of group.Services ?? []) yield* ofService(service, labels, Tasks);
  for (const task of Tasks) yield* ofTask(task, new Set(Object.keys(Volumes ?? {})));
}

function* ofService(service: Service, labels: ReadonlySet<string>, tasks: Group["Tasks"]): Generator<string> {
  const { Name, PortLabel, Provider } = service;
  const where = `service ${Name}`;
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(Name)) yield `${where}: no name that DNS takes`;
  if (PortLabel !== "" && !labels.has(PortLabel)) yield `${where}: the group has no port "${PortLabel}"`;
  for (const check of service.Checks ?? []) {
    const at = `${where}, check ${check.Name}`;
    const types = Provider === "nomad" ? ["http", "tcp"] : ["http", "tcp", "grpc", "script"];
    if (!types.includes(check.Type)) yield `${at}: ${Provider} runs no check of type ${check.Type}`;
    if (check.Interval < SECOND || check.Timeout < SECOND) yield `${at}: interval and timeout are 1 s at least`;
    if (check.Type === "http" && (check.Path === "" || /^[a-z]+:\/\//i.test(check.Path)))
      yield `${at}: it needs a path without a host`;
    // eslint-disable-next-line no-control-regex
    if (check.Type === "http" && /%(?![0-9A-Fa-f]{2})|[\0-\x1f\x7f]/.test(check.Path))
      yield `${at}: its path is no URL's`;
    if (check.Type === "script" && check.Command === "") yield `${at}: it needs a command`;
    if (check.Type === "script" && !tasks.some((task) => task.Name === check.TaskName))
      yield `${at}: there is no task "${check.TaskName}"`;
    const port = check.PortLabel || PortLabel;
    if (check.Type !== "script" && !labels.has(port)) yield `${at}: the group has no port "${port}"`;
    if (
      (Provider === "nomad" || check.Type === "script") &&
      check.SuccessBeforePassing + check.FailuresBeforeCritical > 0
    )
      yield `${at}: thresholds are Consul's, for http, tcp and grpc`;
  }
}

function* ofTask(task: Group["Tasks"][number], volumes: ReadonlySet<string>): Generator<string> {
  const where = `task ${task.Name}`;
  if (task.Name.includes("/")) yield `${where}: its name holds a slash`;
  const config = task.Config ?? {};
  const program = task.Driver === "docker" ? "image" : "command";
  if (typeof config[program] !== "string" || config[program] === "") yield `${where}: ${task.Driver} needs ${program}`;
  if (task.Resources.CPU < 1) yield `${where}: cpu is 1 MHz at least`;
  if (task.Resources.MemoryMB < 10) yield `${where}: memory is 10 MiB at least`;
  const most = task.Resources.MemoryMaxMB ?? 0;
  if (most !== 0 && most < task.Resources.MemoryMB) yield `${where}: memory_max is below memory`;
  for (const { EmbeddedTmpl, DestPath } of task.Templates ?? []) {
    if (EmbeddedTmpl === "") yield `${where}: an empty template for ${DestPath}`;
    if (DestPath === "" || /(^|\/)\.\.(\/|$)/.test(DestPath)) yield `${where}: a template leads out to "${DestPath}"`;
  }
  for (const { Volume } of task.VolumeMounts ?? [])
    if (!volumes.has(Volume)) yield `${where}: the group has no volume "${Volume}"`;
}

function* twice(what: string, names: readonly string[]): Generator<string> {
  const seen = new Set<string>();
  for (const each of names) {
    if (seen.has(each)) yield `${what} ${each} stands twice`;
    seen.add(each);
  }
}
