import type { Answers } from "../answers";
import type { Cursor } from "../ledger/claims";
import type { Code } from "../ledger/codes";
import type { KubeObject } from "../object";
import type { NomadGroup, NomadJob, Restart, Service, Update } from "../model/nomad-job";
import { batch, countOf, periodicOf } from "./batch";
import { dnsLabel } from "./names";
import { claimCommon, claimMetadata, textsOf } from "./metadata";
import { type PodParts, podParts, withChecks } from "./pod";
import type { PodContext, PodIdentity } from "./pod-context";
import { quantity } from "./quantity";
import { daemonUpdate, PROGRESS_DEADLINE, rollingUpdate, statefulUpdate } from "./rollout";
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

export function podIdentity(object: KubeObject): PodIdentity {
  const pod = podOf(object);
  const spec = object.root.get("spec");
  const job = object.kind === "CronJob" ? spec.get("jobTemplate", "spec") : spec;
  const account = pod.get("serviceAccountName").text() ?? pod.get("serviceAccount").text() ?? "";
  return {
    kind: object.kind,
    name: object.name,
    serviceAccount: account === "" ? "default" : account,
    isIndexed: ["Job", "CronJob"].includes(object.kind) && job.get("completionMode").text() === "Indexed",
    container: (name) =>
      ["containers", "initContainers"]
        .flatMap((key) => pod.get(key).items())
        .find((each) => each.get("name").text() === name),
  };
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
      update: patient(kind, parts.tasks),
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

/** Nomad refuses a deployment that ends before a task has had its time to stop, also one that the job says nothing of. */
function patient({ type, update }: KindParts, tasks: NomadGroup["tasks"]): Update | undefined {
  const longest = Math.max(...tasks.map(({ killTimeout = 0 }) => killTimeout));
  if (update?.progressDeadline !== undefined)
    return { ...update, progressDeadline: Math.max(update.progressDeadline, longest) };
  if (update !== undefined || type !== "service" || longest <= PROGRESS_DEADLINE) return update;
  return { maxParallel: 1, minHealthyTime: 10, healthyDeadline: 300, progressDeadline: longest };
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
