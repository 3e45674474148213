import type { Severity, Status } from "./entry";

export interface Reason {
  readonly status: Status;
  readonly severity: Severity;
  /** What to do, as a sentence; "" where nothing is. */
  readonly remedy: string;
}

const converted = (remedy = ""): Reason => ({ status: "converted", severity: "info", remedy });
const ignored = (remedy: string): Reason => ({ status: "ignored-by-design", severity: "info", remedy });
const approximated = (remedy: string, severity: Severity = "info"): Reason => ({
  status: "approximated",
  severity,
  remedy,
});
const needsConfig = (remedy: string, severity: Severity = "warning"): Reason => ({
  status: "needs-config",
  severity,
  remedy,
});
const unsupported = (remedy: string, severity: Severity = "warning"): Reason => ({
  status: "unsupported",
  severity,
  remedy,
});

/** Every reason that the ledger gives. A code is a contract: scripts suppress by it. */
const TABLE = {
  converted: converted(),
  noRule: unsupported("Forge has no rule for this field: look whether the program needs it."),
  wrongType: unsupported("Kubernetes does not take a value of this type here: correct the manifest.", "error"),

  // Sources
  notYaml: unsupported("This is not YAML that Kubernetes reads: correct it at this place.", "error"),
  goTemplate: unsupported("This is a template: run `helm template` first and migrate what it prints.", "error"),
  tooLarge: unsupported("This is larger than what is read: split it.", "error"),
  tooDeep: unsupported("This is nested deeper than what is read; no manifest is.", "error"),
  aliasBomb: unsupported("Its aliases repeat more than what is read: write the values out.", "error"),
  notUtf8: unsupported("This is not UTF-8 text: save it as such.", "error"),
  unreadable: unsupported("This could not be read: look at path and rights.", "error"),
  emptyDocument: ignored("The document is empty."),
  noObject: unsupported("This is no Kubernetes object; take it out, or render what it is the source of.", "warning"),
  noName: unsupported("The object has no name: it may be a patch. Render it with `kubectl kustomize` first.", "error"),
  badName: unsupported("The name is none that Kubernetes takes, and could lead out of a folder: correct it.", "error"),
  badPath: unsupported("The path leads out of its folder, or holds a colon: correct it.", "error"),
  kustomization: unsupported("Run `kubectl kustomize DIR | forge migrate - --out DIR` to have it applied.", "warning"),
  partialPatch: unsupported(
    "This is a part of an object, such as a patch: render it with `kubectl kustomize` first.",
    "error",
  ),
  requestOnly: ignored("This is a message to a cluster, not an object that one keeps."),
  listWrapper: ignored("The list around the objects says nothing about them."),
  unknownKind: unsupported(
    "Forge knows no such kind. What runs it in the cluster has to be replaced by hand.",
    "error",
  ),
  duplicate: ignored("The same object stands elsewhere in the input."),
  conflictingObject: unsupported(
    "Another object of this kind and name stands earlier and says something else: give one.",
    "error",
  ),
  ownedByOther: ignored("The cluster made it from another object, which is converted if it is in the input."),

  // What only a cluster has
  clusterState: ignored("The cluster keeps this for itself."),
  ignoredField: ignored("It says nothing that Nomad does otherwise."),
  label: ignored("Labels select objects; what they select was worked out here."),
  annotation: unsupported("Programs that read this annotation do not see it on Nomad.", "info"),
  history: approximated("Nomad keeps history by the servers' job_gc_threshold and job_tracked_versions."),
  terminationMessage: ignored("Nomad keeps the task's output; see `nomad alloc logs`."),

  // Workloads
  suspended: unsupported(
    "Nomad has no pause: the count says 0 or the job is not registered until you want it.",
    "warning",
  ),
  deadline: unsupported("Nomad before 2.1 ends no batch by a deadline: wrap the program in `timeout`.", "warning"),
  jobPolicy: unsupported("Nomad's batch jobs have no such policy: only attempts.", "warning"),
  countLimit: needsConfig("Nomad takes 50,000 of a job unless the servers' job_max_count says more.", "warning"),
  workQueue: unsupported(
    "Nomad runs them at once or not at all: dispatch a parameterized job for each piece.",
    "error",
  ),
  completionIndex: approximated("JOB_COMPLETION_INDEX is Nomad's index of the allocation.", "info"),
  backoff: approximated("Attempts are counted in a day, with a fixed pause of 15 s."),
  badSchedule: unsupported("Schedule or time zone is none that Nomad takes: correct it.", "error"),
  cronReplace: unsupported("Nomad cannot end the running one for the next: they overlap.", "error"),
  startingDeadline: unsupported("Nomad starts a missed run not at all.", "info"),
  recreate: approximated("All are stopped together, each as soon as it can."),
  surge: approximated(
    "Nomad stops one before it starts the next; use canaries where there is room for both.",
    "warning",
  ),
  maxUnavailable: approximated("Counted from the replicas of the manifest; at least 1."),
  progressDeadline: approximated("Nomad also wants a deadline for each allocation, chosen below it."),
  startOrder: unsupported("Nomad starts all at once and counts from 0: let each wait for what it needs.", "warning"),
  partition: unsupported("Nomad has no partition: update in two jobs.", "error"),
  onDelete: unsupported("Nomad updates as soon as the job changes.", "warning"),
  keepsVolumes: needsConfig("Volumes stay until you delete them with `nomad volume delete`.", "info"),
  stableName: approximated(
    "Each is NAME-INDEX to itself; others find it by Consul's tags, not by that name.",
    "warning",
  ),
  killTimeout: needsConfig("Raise max_kill_timeout of the clients: 30 s is their default, and caps this in silence."),
  initOrder: approximated("Nomad starts prestart tasks together: merge them where one needs another.", "error"),
  sidecarInit: approximated("A prestart sidecar; the others do not wait until it is ready.", "warning"),
  initProbe: unsupported("Nomad checks no task that runs before the others.", "warning"),
  preStop: unsupported("Nomad runs nothing before a stop: trap the signal in the program or a wrapper.", "error"),
  preStopSleep: approximated(
    "It is the group's shutdown_delay: names lead elsewhere first, then it waits, then it stops.",
  ),
  postStart: unsupported("Make it a poststart task; there it runs in a container of its own.", "error"),
  readinessGate: unsupported("Nothing on Nomad fulfils it; the allocation is ready by its checks.", "warning"),
  shareProcesses: unsupported("Tasks of docker do not share processes: put both programs into one image.", "error"),
  runtimeClass: needsConfig("Set the docker task's `runtime`, and allow it in the clients' plugin configuration."),
  scheduler: unsupported("Nomad has one scheduler.", "info"),
  preemption: ignored("Whether jobs make room for others is a setting of Nomad's scheduler."),
  priority: approximated("Kubernetes' priority was put on Nomad's scale of 1 to 100, 50 being the default.", "info"),
  podField: approximated("Nomad's own name or address: a pod's differ in form.", "warning"),
  serviceLinks: unsupported("Nomad sets no variables for Services: use names.", "info"),
  serviceVariable: unsupported(
    "Kubernetes sets this variable for a Service, Nomad does not: set it to the Service's name or port.",
    "warning",
  ),
  subdomain: unsupported("Names of single pods do not resolve; use Consul's.", "warning"),
  serviceAccount: approximated("The job's own workload identity takes its place; rights are given to the job.", "info"),
  serviceAccountToken: ignored("There is no Kubernetes API to talk to."),
  pullSecret: needsConfig("Give the clients the registry's credentials: `auth` of the docker plugin.", "warning"),
  pullNever: unsupported("Docker pulls what it does not have: load the image on each node.", "warning"),
  pullByDriver: approximated("Docker pulls what it does not have, and `latest` each time."),
  extendedResource: unsupported("Find the Nomad device plugin for it and write a `device` block.", "error"),
  gpu: needsConfig("Nodes need Nomad's NVIDIA device plugin.", "warning"),
  deviceClaim: unsupported("Write a `device` block of a Nomad plugin.", "error"),
  podResources: unsupported("Nomad sizes each task: give the containers their own.", "warning"),
  cpuInMhz: approximated("Cores were multiplied by the answers' mhz_per_core: measure your nodes.", "info"),
  cpuLimit: approximated("Nomad shares CPU by the request and has no other limit.", "info"),
  memoryIsLimit: approximated(
    "Without a limit in the manifest, Nomad kills at the request: set memory_max.",
    "warning",
  ),
  memoryNoBurst: approximated("Without oversubscription the request is the limit: raise `memory`.", "warning"),
  ephemeralStorage: approximated("Nomad counts disk for the group: ephemeral_disk.", "info"),
  blockDevice: unsupported('Mount the volume with attachment_mode "block-device" by hand.', "error"),

  // Environment and files
  nomadReplaces: approximated(
    "Nomad replaces this `${…}` beside its own that was asked for: put the two into variables of their own.",
    "error",
  ),
  argumentVariable: approximated("`$(NAME)` was written as `${NAME}`, which Nomad replaces from the environment."),
  composed: approximated(
    "Nomad composes characters in arguments (Unicode's NFC): read the text from a file if that matters.",
    "warning",
  ),
  variableName: unsupported(
    "Nomad's templates write no variable whose name has signs beside letters, digits, `_` and dots: rename it.",
    "error",
  ),
  valueTooLong: unsupported("With what it names it is longer than Linux lets a variable be: 128 KiB.", "error"),
  clusterLocalName: needsConfig(
    "Names below svc.cluster.local resolve only where your DNS rewrites them: docs/leaving-kubernetes.md.",
    "warning",
  ),
  unknownSource: unsupported("Set this variable by hand: Nomad has nothing that it comes from.", "error"),
  optionalMissing: ignored("It is optional and not in the input, as it may be missing in the cluster."),
  unresolvedConfigMap: unsupported("The ConfigMap or its key is not in the input: add it to the paths.", "error"),
  unresolvedSecret: needsConfig("The Secret or its key is not in the input: write it where the job reads it.", "error"),
  unresolvedSecretFiles: unsupported(
    "The Secret is not in the input, so its files are unknown: add it, or list `items`.",
    "error",
  ),
  unresolvedVolume: unsupported("The pod has no volume of this name: correct the manifest.", "error"),
  secretAtRunTime: needsConfig(
    "Run the script that copies Secrets before the job: it takes them from the cluster.",
    "warning",
  ),
  configInJob: approximated(
    "It is in the job: a change is a new version of the job, where Kubernetes changed the file.",
  ),
  configUnused: unsupported("No workload of the input uses it, so it went nowhere.", "info"),
  subPathExpr: unsupported("Write the path out: Nomad expands none here.", "error"),
  subPathOnVolume: unsupported("Nomad mounts a volume as a whole: use a volume for each path.", "error"),
  mountPropagation: unsupported("Set propagation_mode of the volume_mount by hand.", "warning"),
  volumeKind: unsupported("Nomad needs a volume plugin for this kind, or none has one.", "error"),
  volumeNeedsHost: needsConfig("Create the volume from volumes/ and copy the data before the job runs.", "warning"),
  stickyVolume: needsConfig("Create a volume on each node that may run one; it stays with its allocation.", "warning"),
  memoryVolume: approximated("A tmpfs of each task; containers do not share it.", "warning"),
  sizeLimit: approximated("Nomad counts it for the scheduler and does not enforce it.", "info"),
  hostPath: needsConfig("Allow `volumes` in the clients' docker plugin, or make it a host volume.", "warning"),

  // Programs in the place of images
  standIn: approximated("A program of the nodes runs in the image's place, as the answers' stand_ins say.", "warning"),
  standInSetting: unsupported("A program in an image's place has no such setting.", "warning"),
  standInMount: approximated(
    "Without containers it lies in the task's folder; variables and arguments that name its path were rewritten.",
    "warning",
  ),
  standInVolume: unsupported('Let the stand-in be driver = "exec": raw_exec mounts no volumes.', "error"),

  // Probes, ports, services
  readinessProbe: approximated("A check: while it fails, names do not lead here.", "info"),
  livenessProbe: approximated("A check that restarts; while it fails, names do not lead here either.", "info"),
  startupProbe: approximated("It is the time that the restarting check waits.", "info"),
  startupAlone: unsupported("Without a livenessProbe nothing restarts a program that does not start: write a check."),
  probeGrace: unsupported("Nomad stops with the task's kill_timeout, whatever failed.", "info"),
  unknownProbe: unsupported("Write a check by hand.", "error"),
  unresolvedPort: unsupported("No port of this name or number: correct the manifest.", "error"),
  probeHost: unsupported("Checks ask the task itself.", "warning"),
  checkNeedsConsul: unsupported('Only Consul runs such a check: answer services = "consul".', "error"),
  thresholdNotCounted: unsupported("Only Consul counts, and not for commands: one failure is enough.", "warning"),
  sctp: unsupported("Nomad opens TCP and UDP only.", "error"),
  udpPort: approximated("The node opens both protocols; no check and no mesh sees UDP.", "info"),
  hostIp: unsupported("Use a host_network of the clients.", "warning"),
  staticPort: needsConfig(
    "The port is fixed on the node: it must be free, and outside Nomad's dynamic range.",
    "warning",
  ),
  servicePort: approximated(
    "The Service's port is fixed on each node that runs one; at most one of them a node.",
    "info",
  ),
  dynamicPort: approximated("Clients must look the port up: SRV records of Consul.", "warning"),
  portTaken: unsupported("Another Service fixes this port in the same job: clients must look it up.", "error"),
  hostNetworkPort: unsupported(
    "The program has the node's network and listens on another number: clients must use that.",
    "error",
  ),
  clusterIp: ignored("Addresses of the cluster have no meaning outside."),
  portlessService: approximated(
    "The name leads to the nodes: give each port that clients use a hostPort, or the Service a list of them.",
    "warning",
  ),
  headless: approximated("The name leads to every passing instance.", "info"),
  loadBalancer: needsConfig("Point a load balancer at the nodes' port.", "warning"),
  externalIps: unsupported("Route these addresses to the nodes yourself.", "warning"),
  trafficPolicy: unsupported("Consul answers with any passing instance.", "info"),
  notReady: unsupported("Consul leads to passing instances only.", "warning"),
  sessionAffinity: unsupported("Names lead anywhere: a mesh or proxy can hash by address.", "warning"),
  serviceWithoutWorkload: unsupported("Its selector takes no workload of the input: add the workload.", "error"),
  externalService: needsConfig("Register it once: `curl -X PUT --data @FILE CONSUL/v1/catalog/register`.", "info"),
  dnsPolicy: approximated("Tasks ask the node's name servers, which have to know `.consul`.", "info"),
  ingressGateway: needsConfig(
    "Tags for Traefik with its Consul catalogue provider: run one, or another gateway.",
    "warning",
  ),
  ingressPathType: approximated(
    "What it means was the controller's choice; here it is a prefix, or a regular expression.",
    "warning",
  ),
  ingressTls: needsConfig("Give the gateway its certificates; tags must not hold them.", "warning"),
  ingressAnnotation: unsupported("Set it at the gateway: tags were written for hosts and paths only.", "warning"),
  ingressSnippet: unsupported("Configuration of nginx has no counterpart: look what it is for.", "error"),
  routeToNowhere: unsupported("No workload of the input is behind this Service: add it, or route by hand.", "error"),
  ingressResource: unsupported("Only Services can be led to.", "error"),

  // Scheduling and security
  nodeLabel: needsConfig("Set this label as `meta` of the clients that have it.", "warning"),
  nodeName: needsConfig("The node needs the same name in Nomad.", "warning"),
  orOfTerms: unsupported("Nomad's constraints hold all together: merge the terms into one.", "error"),
  podAffinity: unsupported("Nomad places jobs by nodes, not by each other: use node pools.", "error"),
  spreadInstead: approximated("A spread, which Nomad prefers and does not promise.", "info"),
  hardSpread: approximated("A spread, which Nomad prefers and does not promise.", "warning"),
  systemPlacement: unsupported("A system job runs on each node: nothing can be preferred or spread.", "warning"),
  tolerations: unsupported("Nomad has no taints: put special nodes into a node pool.", "info"),
  needsPrivileged: needsConfig("Allow it in the clients' docker plugin: allow_privileged.", "warning"),
  needsCapability: needsConfig("Allow it in the clients' docker plugin: allow_caps.", "warning"),
  runtimeDefault: ignored("Docker's own profile is in force unless it is turned off."),
  localProfile: unsupported("Put the profile on the nodes and name it in security_opt.", "error"),
  seLinux: unsupported("Set label options in security_opt by hand.", "warning"),
  windows: unsupported("Set it in the docker task's configuration by hand.", "warning"),
  runAsNonRoot: unsupported("Nothing refuses a container of root: build the image with a user.", "warning"),
  fsGroup: unsupported("Nomad changes no owner of a volume: set it on the node.", "warning"),
  sysctls: unsupported("Set `sysctl` of the docker task, where the clients allow it.", "warning"),
  rbac: unsupported(
    "Rights to the Kubernetes API have no meaning here: give the job what it needs of Nomad by hand.",
    "warning",
  ),
  networkPolicy: unsupported(
    "Nothing separates the jobs until there is a mesh with intentions, or a firewall.",
    "error",
  ),
  quota: unsupported("Quotas are Nomad Enterprise; defaults of a LimitRange were not applied.", "warning"),
  storageClass: unsupported("Nomad needs a volume plugin of its own, or volumes on the nodes.", "warning"),
  gatewayApi: unsupported("Tags cannot say it: write it for the gateway that you run before the nodes.", "error"),
  mesh: unsupported("There is no mesh: nothing separates, encrypts or splits traffic between jobs.", "error"),
  clusterExtension: unsupported("It extends Kubernetes' own API: what needs it has to be replaced.", "warning"),
  endpoints: unsupported("Register these addresses as an external service in Consul.", "warning"),
  targetMissing: unsupported("It names a workload that is not in the input: add the workload.", "error"),

  // Scaling
  hpaMetric: needsConfig("Run the Nomad Autoscaler; it measures against what is allocated, not asked for.", "warning"),
  hpaCustomMetric: unsupported("Write a check of the Autoscaler with the query of your metrics.", "error"),
  hpaBehavior: approximated("Only the window for scaling down became a cooldown.", "warning"),
  disruption: approximated("It bounds how many leave draining nodes at once, and nothing else.", "info"),

  // Agones
  fleetStrategy: ignored("Recreate knows no steps."),
  fleetReplicas: approximated("Forge keeps at least as many; ready ones beyond need are a buffer.", "info"),
  fleetPriority: unsupported(
    "No server of this Fleet has such a counter or list: declare it, or remove it.",
    "warning",
  ),
  fleetOverflow: unsupported(
    "Keep to 16 labels, and 16 annotations of 1024 characters, by Kubernetes' rules for names.",
    "error",
  ),
  fleetCount: unsupported(
    "No counter or list of forge.toml can be like it: look at name, capacity and values.",
    "error",
  ),
  fleetPolicy: unsupported("The chain of forge.toml takes no such policy: correct it, or ask a webhook.", "error"),
  fleetWebhook: approximated(
    "Nothing bounds what it asks for: look at max_servers, and whether the controller finds the address.",
    "warning",
  ),
  fleetWebhookCa: needsConfig("Decode it to a PEM file beside forge.toml and name that as ca_file.", "warning"),
  fleetLabel: unsupported(
    "Servers begin without labels: select by the Fleet's name, or set them by the SDK or PATCH /v1/servers/ID.",
    "warning",
  ),
  fleetSync: ignored("Forge decides when something changes, not by the clock."),
  sdkServer: approximated(
    "The port is told in AGONES_SDK_GRPC_PORT and AGONES_SDK_HTTP_PORT; no server finds a fixed one.",
    "warning",
  ),
  eviction: approximated("Forge stops no server with players before its deadline.", "info"),
  gameSidecar: unsupported('It has no image: write it as a role with per = "server".', "error"),
  gameRole: approximated("It runs beside each server, on its loopback; its end fails the server.", "warning"),
  gameEntrypoint: unsupported("An experience runs its image's own entry point: build it into the image.", "error"),
  gameEnvironment: unsupported("Set it in the image or at start: forge.toml takes literal values.", "error"),
  gameSecret: needsConfig(
    "It looks like a secret, which forge.toml never holds: keep it in Vault or in a file on the node, and name that file.",
    "error",
  ),
  gameLimit: ignored("The request decides; Forge has one size."),
  gamePort: approximated(
    "The server must listen on the port that it is told, NOMAD_PORT_…: Forge uses the host's network.",
    "warning",
  ),
  fleetPort: unsupported(
    "Servers of a fleet share nodes: each gets a port of its own, which players are told.",
    "warning",
  ),
  fixedPortTaken: unsupported(
    "Another server has this port of the region's nodes: this one gets a port of its own, which players are told.",
    "error",
  ),
  passthrough: converted("The server listens on the port that it is told."),
  portRange: unsupported("Ports come from Nomad's one range.", "warning"),
  rolePort: approximated(
    "To Forge it is a port of the game server: let this container listen on it, NOMAD_PORT_….",
    "warning",
  ),
  bothProtocols: approximated("The node opens both; forge.toml names one.", "info"),
  allocationPolicy: unsupported("Regions of a run forward to each other: docs/from-agones.md.", "warning"),
  allocationRequest: unsupported("Ask Forge instead: POST /v1/allocations, docs/from-agones.md.", "warning"),
} satisfies Record<string, Reason>;

export type Code = keyof typeof TABLE;

/** As `TABLE`, with what the reasons have in common rather than what each literally is. */
export const CODES: Readonly<Record<Code, Reason>> = TABLE;
