import type { Answers } from "../answers";
import type { Cursor } from "../ledger/claims";
import type { Code } from "../ledger/codes";
import type { KubeObject } from "../object";
import type { NomadGroup, NomadJob, Periodic, Restart, Service, Update } from "../model/nomad-job";
import { isCron } from "./cron";
import { dnsLabel } from "./names";
import { claimCommon, claimMetadata, textsOf } from "./metadata";
import { type PodParts, podParts, withChecks } from "./pod";
import type { PodContext } from "./pod-context";
import { quantity } from "./quantity";
import { entryOf } from "./table";
import { hostVolume, mounted, type PodVolume } from "./volumes";

/** Where the pod of a kind is written. */
const POD_AT: Readonly<Record<string, string>> = {
  Deployment: "spec/template",
  ReplicaSet: "spec/template",
  ReplicationController: "spec/template",
  StatefulSet: "spec/template",
  DaemonSet: "spec/template",
  Job: "spec/template",
  CronJob: "spec/jobTemplate/spec/template",
  Pod: "",
};
const GROUPS = new Set(["", "apps", "batch", "extensions"]);

export function isWorkload({ group, kind }: KubeObject): boolean {
  return Object.hasOwn(POD_AT, kind) && GROUPS.has(group);
}

function at(root: Cursor, path: string): Cursor {
  return path === "" ? root : path.split("/").reduce((cursor, step) => cursor.get(step), root);
}

/** The pod's `spec`. */
export function podOf(object: KubeObject): Cursor {
  return at(object.root, POD_AT[object.kind] ?? "").get("spec");
}

function metadataPath(object: KubeObject): string {
  const path = POD_AT[object.kind] ?? "";
  return path === "" ? "metadata" : `${path}/metadata`;
}

export function podLabels(object: KubeObject): Readonly<Record<string, string>> {
  return textsOf(object, metadataPath(object), "labels");
}

export function podAnnotations(object: KubeObject): Readonly<Record<string, string>> {
  return textsOf(object, metadataPath(object), "annotations");
}

/** Why no job can be made of it; undefined where one can. */
export function whyNoJob(object: KubeObject): Code | undefined {
  const owners = object.root.get("metadata", "ownerReferences");
  if (
    owners.node?.kind === "list" &&
    owners.node.items.length > 0 &&
    ["Pod", "ReplicaSet", "Job"].includes(object.kind)
  ) {
    const owner = owners.items()[0]?.get("kind").text() ?? "";
    if (["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob"].includes(owner))
      return "ownedByOther";
  }
  const pod = podOf(object);
  const imagesOf = (containers: Cursor): readonly string[] =>
    containers.node?.kind === "list" ? containers.items().map((each) => each.get("image").text() ?? "") : [];
  const images = imagesOf(pod.get("containers"));
  if (images.length === 0 || [...images, ...imagesOf(pod.get("initContainers"))].includes("")) return "partialPatch";
  if (object.kind === "CronJob" && periodicOf(object) === undefined) return "badSchedule";
  return undefined;
}

export interface WorkloadOptions {
  readonly context: PodContext;
  readonly answers: Answers;
  /** Registers the pod's Services; told of the ports, which it may fix. */
  services(parts: PodParts): readonly Service[];
  /** What other objects say of this one: its scaling, how many may be away, its priority. */
  readonly around: Partial<Pick<NomadGroup, "scaling" | "migrate">> & Pick<NomadJob, "priority">;
}

export function jobOf(object: KubeObject, options: WorkloadOptions): NomadJob {
  const { context, answers } = options;
  const { target } = context;
  claimCommon(object, target);
  if (object.kind !== "Pod") claimMetadata(object, metadataPath(object), [target]);
  const spec = object.root.get("spec");
  spec.get("selector").note("label");
  const claims = object.kind === "StatefulSet" ? claimTemplates(spec, context) : undefined;
  const parts = podParts(podOf(object), context, {
    ...(claims === undefined
      ? {}
      : { moreVolumes: claims, hostname: `${dnsLabel(object.name)}-\${NOMAD_ALLOC_INDEX}` }),
  });
  const kind = kindParts(object, spec, target);
  const services = withChecks(options.services(parts), parts.checks, {
    name: dnsLabel(`${context.jobId}-health`),
    provider: answers.services,
  });
  const { scaling, migrate, priority } = options.around;
  const isSystem = kind.type === "system";
  const count = isSystem ? undefined : bounded(kind.count ?? 1, scaling);
  const { checks: _checks, ports: _ports, notes, network, ...placed } = parts;
  const group = isSystem ? everywhere(placed, podOf(object)) : placed;
  return {
    id: context.jobId,
    namespace: context.namespace,
    type: kind.type,
    datacenters: answers.datacenters,
    priority,
    periodic: kind.periodic,
    group: {
      name: "main",
      count,
      network: network(),
      update: patient(kind.update, parts.tasks),
      migrate: kind.type === "service" ? migrate : undefined,
      restart: kind.restart,
      reschedule: kind.reschedule,
      scaling: isSystem ? undefined : scaling,
      services,
      ...group,
    },
    notes: [`${object.kind} ${object.name} of namespace ${object.namespace || "default"}, from Kubernetes.`, ...notes],
  };
}

/** Nomad refuses a deployment that ends before a task has had its time to stop. */
function patient(update: Update | undefined, tasks: NomadGroup["tasks"]): Update | undefined {
  if (update?.progressDeadline === undefined) return update;
  const longest = Math.max(...tasks.map(({ killTimeout = 0 }) => killTimeout));
  return { ...update, progressDeadline: Math.max(update.progressDeadline, longest) };
}

/** A system job takes constraints only. */
function everywhere<T extends Pick<NomadGroup, "affinities" | "spreads">>(group: T, pod: Cursor): T {
  if (group.affinities.length > 0) {
    pod.get("affinity", "nodeAffinity", "preferredDuringSchedulingIgnoredDuringExecution").note("systemPlacement");
  }
  if (group.spreads.length > 0) {
    pod.get("topologySpreadConstraints").note("systemPlacement");
    pod.get("affinity", "podAntiAffinity", "preferredDuringSchedulingIgnoredDuringExecution").note("systemPlacement");
  }
  return { ...group, affinities: [], spreads: [] };
}

function bounded(count: number, scaling: NomadGroup["scaling"]): number {
  return scaling === undefined ? count : Math.min(scaling.max, Math.max(scaling.min, count));
}

interface KindParts
  extends Pick<NomadJob, "type" | "periodic">, Pick<NomadGroup, "count" | "update" | "restart" | "reschedule"> {}

/** As often as Kubernetes would: for ever, with a pause. */
const ALWAYS: Restart = { attempts: 3, interval: 300, delay: 15, mode: "delay" };

function kindParts(object: KubeObject, spec: Cursor, target: string): KindParts {
  for (const [field, code] of Object.entries(FATES)) spec.get(field).note(code);
  switch (object.kind) {
    case "DaemonSet":
      return { type: "system", update: daemonUpdate(spec, target), restart: ALWAYS };
    case "Job":
      return batch(spec, podOf(object), target);
    case "CronJob": {
      claimMetadata(object, "spec/jobTemplate/metadata", [target]);
      spec.get("schedule").converted(`${target}#periodic.crons`);
      spec.get("timeZone").note("converted", `${target}#periodic.time_zone`);
      const policy = spec.get("concurrencyPolicy");
      policy.note(policy.text() === "Replace" ? "cronReplace" : "converted", `${target}#periodic.prohibit_overlap`);
      spec.get("suspend").converted(`${target}#periodic.enabled`);
      const job = spec.get("jobTemplate", "spec");
      for (const [field, code] of Object.entries(FATES)) job.get(field).note(code);
      job.get("suspend").note("suspended");
      job.get("selector").note("label");
      return { ...batch(job, podOf(object), target), periodic: periodicOf(object) };
    }
    case "Pod": {
      const policy = podOf(object).get("restartPolicy").text() ?? "Always";
      if (policy === "Always") return { type: "service", count: 1, restart: ALWAYS };
      return {
        type: "batch",
        count: 1,
        restart: { attempts: policy === "Never" ? 0 : 3, interval: 86_400, delay: 15, mode: "fail" },
      };
    }
    default:
      return {
        type: "service",
        count: replicasOf(spec, target),
        update: object.kind === "StatefulSet" ? statefulUpdate(spec, target) : rollingUpdate(spec, target),
        restart: ALWAYS,
      };
  }
}

/** Fields of the kinds' `spec` that have one fate whatever they say. */
const FATES: Readonly<Record<string, Code>> = {
  revisionHistoryLimit: "history",
  failedJobsHistoryLimit: "history",
  successfulJobsHistoryLimit: "history",
  ttlSecondsAfterFinished: "history",
  rollbackTo: "clusterState",
  paused: "suspended",
  activeDeadlineSeconds: "deadline",
  backoffLimitPerIndex: "jobPolicy",
  maxFailedIndexes: "jobPolicy",
  managedBy: "jobPolicy",
  manualSelector: "label",
  podFailurePolicy: "jobPolicy",
  podReplacementPolicy: "jobPolicy",
  startingDeadlineSeconds: "startingDeadline",
  successPolicy: "jobPolicy",
  templateGeneration: "clusterState",
};

function replicasOf(spec: Cursor, target: string): number {
  return countOf(spec.get("replicas").converted(`${target}#count`), 1, target);
}

/** Nomad's `job_max_count`, unless its servers are configured for more. */
const MOST_OF_A_JOB = 50_000;

function countOf(at: Cursor, byDefault: number, target: string): number {
  const count = Math.max(0, at.int() ?? byDefault);
  if (count > MOST_OF_A_JOB) at.note("countLimit", `${target}#count`);
  return Math.min(MOST_OF_A_JOB, count);
}

function timesOf(spec: Cursor, target: string): Update {
  const ready = Math.min(
    86_400,
    Math.max(0, spec.get("minReadySeconds").converted(`${target}#update.min_healthy_time`).int() ?? 0),
  );
  const asked = Math.min(
    604_800,
    spec.get("progressDeadlineSeconds").note("progressDeadline", `${target}#update`).int() ?? 600,
  );
  // Nomad wants them in this order, each greater.
  const healthyDeadline = Math.max(ready + 60, Math.min(300, asked - 1));
  const progressDeadline = Math.max(asked, healthyDeadline + 60);
  return { minHealthyTime: ready, healthyDeadline, progressDeadline, autoRevert: false };
}

/** Of the replicas, as a number or in percent. */
function share(value: number | string | undefined, replicas: number, round: (x: number) => number): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "number") return value;
  const percent = /^(\d+)%$/.exec(value)?.[1];
  return percent === undefined ? quantity(value) : round((Number(percent) * replicas) / 100);
}

function rollingUpdate(spec: Cursor, target: string): Update {
  const replicas = Math.max(1, spec.get("replicas").int() ?? 1);
  const strategy = spec.get("strategy");
  const type = strategy.get("type");
  const rolling = strategy.get("rollingUpdate");
  const isRecreate = type.text() === "Recreate";
  type.note(isRecreate ? "recreate" : "converted", `${target}#update.max_parallel`);
  rolling.get("maxSurge").note("surge", `${target}#update`);
  rolling.get("maxUnavailable").note("maxUnavailable", `${target}#update.max_parallel`);
  const away = share(rolling.get("maxUnavailable").intOrText(), replicas, Math.floor) ?? Math.floor(replicas / 4);
  const maxParallel = isRecreate ? replicas : Math.max(1, Math.min(replicas, away));
  return { maxParallel, ...timesOf(spec, target) };
}

function statefulUpdate(spec: Cursor, target: string): Update {
  for (const [field, code] of [
    ["podManagementPolicy", "startOrder"],
    ["persistentVolumeClaimRetentionPolicy", "keepsVolumes"],
    ["ordinals", "startOrder"],
    ["serviceName", "stableName"],
  ] as const) {
    spec.get(field).note(code);
  }
  const strategy = spec.get("updateStrategy");
  strategy.get("type").note(strategy.get("type").text() === "OnDelete" ? "onDelete" : "converted", `${target}#update`);
  strategy.get("rollingUpdate", "partition").note("partition");
  strategy.get("rollingUpdate", "maxUnavailable").note("maxUnavailable", `${target}#update.max_parallel`);
  return { maxParallel: 1, ...timesOf(spec, target) };
}

function daemonUpdate(spec: Cursor, target: string): Update {
  const strategy = spec.get("updateStrategy");
  strategy.get("type").note(strategy.get("type").text() === "OnDelete" ? "onDelete" : "converted", `${target}#update`);
  strategy.get("rollingUpdate", "maxSurge").note("surge");
  const away = strategy.get("rollingUpdate", "maxUnavailable");
  away.note("maxUnavailable", `${target}#update.max_parallel`);
  const value = away.intOrText();
  const { minHealthyTime, healthyDeadline } = timesOf(spec, target);
  return {
    maxParallel: typeof value === "number" ? Math.min(1_000, Math.max(1, value)) : 1,
    minHealthyTime,
    healthyDeadline,
  };
}

function batch(spec: Cursor, pod: Cursor, target: string): KindParts {
  const completionsAt = spec.get("completions");
  const parallelism = countOf(spec.get("parallelism").converted(`${target}#count`), 1, target);
  const completions = countOf(completionsAt, 1, target);
  const isIndexed = spec.get("completionMode").note("completionIndex").text() === "Indexed";
  completionsAt.note(completions > parallelism ? "workQueue" : "converted", `${target}#count`);
  const isSuspended = spec.get("suspend").note("suspended", `${target}#count`).flag() === true;
  const limit = Math.min(1_000, Math.max(0, spec.get("backoffLimit").note("backoff", `${target}#restart`).int() ?? 6));
  const isNever = pod.get("restartPolicy").text() !== "OnFailure";
  const count = isSuspended ? 0 : isIndexed ? completions : Math.min(parallelism, Math.max(completions, 1));
  return {
    type: "batch",
    count,
    restart: { attempts: isNever ? 0 : limit, interval: 86_400, delay: 15, mode: "fail" },
    reschedule:
      isNever && limit > 0
        ? { attempts: limit, interval: 86_400, unlimited: false }
        : { attempts: 0, unlimited: false },
  };
}

const MACROS: Readonly<Record<string, string>> = { "@midnight": "@daily", "@annually": "@yearly" };

function periodicOf(object: KubeObject): Periodic | undefined {
  const spec = object.root.get("spec");
  const written = (spec.get("schedule").text() ?? "").trim();
  const [, zone, schedule = ""] = /^(?:(?:CRON_)?TZ=(\S+)\s+)?(.*)$/s.exec(written) ?? [];
  const cron = entryOf(MACROS, schedule) ?? schedule;
  const timeZone = spec.get("timeZone").text() ?? zone;
  if (!isCron(cron) || (timeZone !== undefined && !isTimeZone(timeZone))) return undefined;
  return {
    crons: [cron],
    timeZone,
    prohibitOverlap: spec.get("concurrencyPolicy").text() === "Forbid",
    ...(spec.get("suspend").flag() === true ? { enabled: false } : {}),
  };
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** A StatefulSet's claims: a volume that stays with the node of its first allocation. */
function claimTemplates(spec: Cursor, context: PodContext): ReadonlyMap<string, PodVolume> {
  const volumes = new Map<string, PodVolume>();
  for (const claim of spec.get("volumeClaimTemplates").items()) {
    const name = claim.get("metadata", "name").text() ?? "";
    if (!/^[A-Za-z0-9_-]{1,63}$/.test(name)) {
      claim.note("badName");
      continue;
    }
    claim.note("stickyVolume", `${context.target}#volume.${name}`);
    const storage = claim.get("spec", "resources", "requests", "storage").intOrText();
    const bytes = storage === undefined ? undefined : quantity(storage);
    const source = `${context.namespace}.${context.jobId}.${name}`;
    volumes.set(name, mounted(hostVolume(name, source, context, { bytes, isSticky: true })));
  }
  return volumes;
}
