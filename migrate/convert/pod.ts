import type { Cursor } from "../ledger/claims";
import type { Code } from "../ledger/codes";
import type { Network, NomadGroup, NomadTask, Service, Volume } from "../model/nomad-job";
import { stopDelay, taskName, taskOf } from "./container";
import { unused } from "./names";
import type { PodContext } from "./pod-context";
import { GroupPorts } from "./ports";
import { checksOf, type ProbeCheck } from "./probes";
import { schedulingOf } from "./scheduling";
import { hasStandIn } from "./stand-in";
import { diskOf, type PodVolume, volumesOf } from "./volumes";

/** Fields of a pod that have one fate whatever they say. */
const FIXED: Readonly<Record<string, Code>> = {
  activeDeadlineSeconds: "deadline",
  automountServiceAccountToken: "serviceAccountToken",
  dnsPolicy: "dnsPolicy",
  enableServiceLinks: "serviceLinks",
  ephemeralContainers: "clusterState",
  hostUsers: "noRule",
  hostnameOverride: "noRule",
  imagePullSecrets: "pullSecret",
  overhead: "ignoredField",
  os: "ignoredField",
  preemptionPolicy: "preemption",
  priority: "ignoredField",
  readinessGates: "readinessGate",
  resourceClaims: "deviceClaim",
  resources: "podResources",
  restartPolicy: "converted",
  runtimeClassName: "runtimeClass",
  schedulerName: "scheduler",
  schedulingGates: "readinessGate",
  schedulingGroup: "scheduler",
  serviceAccount: "serviceAccount",
  serviceAccountName: "serviceAccount",
  setHostnameAsFQDN: "subdomain",
  shareProcessNamespace: "shareProcesses",
  subdomain: "subdomain",
};

/** Of a pod's securityContext; what containers have as well is read there. */
const POD_SECURITY: Readonly<Record<string, Code>> = {
  fsGroup: "fsGroup",
  fsGroupChangePolicy: "fsGroup",
  supplementalGroups: "fsGroup",
  supplementalGroupsPolicy: "fsGroup",
  sysctls: "sysctls",
  seLinuxChangePolicy: "seLinux",
};

/** A pod as the parts of a group; the workload's kind decides the rest. */
export interface PodParts extends Pick<
  NomadGroup,
  "constraints" | "affinities" | "spreads" | "ephemeralDisk" | "shutdownDelay" | "tasks"
> {
  /** With the ports that probes and Services have asked for until then. */
  readonly network: () => Network;
  readonly volumes: readonly Volume[];
  readonly checks: readonly ProbeCheck[];
  readonly ports: GroupPorts;
  readonly notes: readonly string[];
}

export interface PodOptions {
  /** Volumes that the workload brings itself, by name. */
  readonly moreVolumes?: ReadonlyMap<string, PodVolume>;
  readonly hostname?: string;
}

export function podParts(pod: Cursor, context: PodContext, options: PodOptions = {}): PodParts {
  for (const [field, code] of Object.entries(FIXED)) pod.get(field).note(code);
  for (const [field, code] of Object.entries(POD_SECURITY)) pod.get("securityContext", field).note(code);
  for (const [field, name] of [
    ["hostPID", "pid_mode"],
    ["hostIPC", "ipc_mode"],
  ] as const) {
    pod
      .get(field)
      .note(pod.get(field).flag() === true ? "needsPrivileged" : "ignoredField", `${context.target}#config.${name}`);
  }
  const isHost =
    pod.get("hostNetwork").converted(`${context.target}#network.mode`).flag() === true ||
    ["containers", "initContainers"].some((key) => hasStandIn(pod.get(key), context.answers));
  const volumes = new Map([...volumesOf(pod, context), ...(options.moreVolumes ?? [])]);
  const ports = new GroupPorts(isHost, context.target);
  const { tasks, checks, notes } = tasksOf(pod, context, volumes, ports);
  const dns = dnsOf(pod, context);
  const hostname =
    pod.get("hostname").note("converted", `${context.target}#network.hostname`).text() ?? options.hostname;
  const disk = diskOf(pod);
  return {
    ...schedulingOf(pod, context.podLabels, context.target),
    network() {
      const name = isHost || hostname === undefined ? {} : { hostname };
      return { mode: isHost ? ("host" as const) : ("bridge" as const), ...name, dns, ports: ports.list() };
    },
    shutdownDelay: stopDelay(pod.get("containers").items()),
    ephemeralDisk: disk === undefined ? undefined : { size: disk },
    volumes: [...volumes.values()].flatMap(({ volume }) => volume ?? []),
    tasks,
    checks,
    ports,
    notes,
  };
}

function dnsOf(pod: Cursor, { answers, target }: PodContext): Network["dns"] {
  const config = pod.get("dnsConfig").converted(`${target}#network.dns`);
  const servers = [...answers.dns_servers, ...config.get("nameservers").texts()];
  const searches = [...(answers.services === "consul" ? ["service.consul"] : []), ...config.get("searches").texts()];
  const options = config
    .get("options")
    .items()
    .map((option) => [option.get("name").text() ?? "", option.get("value").text() ?? ""])
    .map(([name, value]) => (value === "" ? (name ?? "") : `${name}:${value}`))
    .filter((option) => option !== "");
  const parts = Object.entries({ servers, searches, options }).filter(([, values]) => values.length > 0);
  return parts.length === 0 ? undefined : Object.fromEntries(parts);
}

function tasksOf(pod: Cursor, context: PodContext, volumes: ReadonlyMap<string, PodVolume>, ports: GroupPorts) {
  const grace = pod.get("terminationGracePeriodSeconds");
  const killTimeout = Math.min(Math.max(0, grace.int() ?? 30), 86_400);
  grace.note(killTimeout > 30 ? "killTimeout" : "converted", `${context.target}#task.kill_timeout`);
  const setting = { context, pod, volumes, killTimeout };
  const names = new Set<string>();
  const named = (container: Cursor, kind: string): string => {
    const name = unused(taskName(container, kind), (candidate) => names.has(candidate));
    names.add(name);
    return name;
  };

  const tasks: NomadTask[] = [];
  const checks: ProbeCheck[] = [];
  const notes: string[] = [];
  for (const container of pod.get("containers").items()) ports.declare(container);
  const inits = pod.get("initContainers").items();
  const runOnce = inits.filter((container) => container.get("restartPolicy").text() !== "Always");
  for (const container of inits) {
    const sidecar = !runOnce.includes(container);
    if (sidecar) ports.declare(container);
    container.note(sidecar ? "sidecarInit" : runOnce.length > 1 ? "initOrder" : "converted");
    container.get("restartPolicy").note(sidecar ? "sidecarInit" : "converted");
    const name = named(container, "init");
    const task = taskOf(container, name, { ...setting, lifecycle: { hook: "prestart", sidecar } });
    for (const probe of ["readinessProbe", "livenessProbe", "startupProbe"]) container.get(probe).note("initProbe");
    tasks.push(task);
  }
  if (runOnce.length > 1)
    notes.push("Nomad starts the prestart tasks together, not one after the other as Kubernetes does.");
  for (const container of pod.get("containers").items()) {
    const name = named(container, "main");
    container.get("restartPolicy").note("noRule");
    tasks.push(taskOf(container, name, setting));
    const portLabel = (port: number | string): string | undefined => ports.labelOf(port);
    checks.push(...checksOf(container, { task: name, context, portLabel }));
  }
  return { tasks, checks, notes };
}

/** The services of a group with its checks: each at the service that has its port, else at the first. */
export function withChecks(
  services: readonly Service[],
  checks: readonly ProbeCheck[],
  fallback: Pick<Service, "name" | "provider">,
): readonly Service[] {
  if (checks.length === 0) return services;
  const label = checks.find((each) => each.label !== undefined)?.label;
  const some: readonly Service[] =
    services.length > 0 ? services : [{ ...fallback, port: label, tags: [], checks: [] }];
  return some.map((service, index) => ({
    ...service,
    checks: checks
      .filter(
        (each) =>
          some.findIndex(({ port }) => port === each.label) === index ||
          (index === 0 && !some.some(({ port }) => port === each.label)),
      )
      .map(({ check, label: at }) => (at === undefined || at === service.port ? check : { ...check, port: at })),
  }));
}
