/**
 * A Nomad job as Forge builds it: what Forge uses of the job specification, in camelCase, durations in seconds.
 * `render.ts` turns it into the JSON that Nomad's API takes. Strings are as the server or Nomad should see them:
 * `${NOMAD_…}` is for Nomad to replace, and nothing here is escaped for Terraform (see `escape.ts`).
 */
export interface JobSpec {
  readonly id: string;
  readonly type: "batch" | "service" | "system" | "sysbatch";
  readonly namespace: string;
  readonly datacenters: readonly string[];
  /** Nomad's own unless set. */
  readonly nodePool?: string;
  /** 1 to 100; games have Nomad's own, 50. */
  readonly priority?: number;
  /** Where it may run at all. */
  readonly constraints?: readonly ConstraintSpec[];
  /** What its copies are spread over. */
  readonly spreads?: readonly SpreadSpec[];
  /** How a new version takes over; of service and system jobs. */
  readonly update?: UpdateSpec;
  /** Also defaults for optional keys of a dispatch. */
  readonly meta: Readonly<Record<string, string>>;
  /** Present: the job runs nothing by itself, each dispatch runs one copy. */
  readonly parameterized?: ParameterizedSpec;
  readonly groups: readonly GroupSpec[];
}

/** Which meta a dispatch must and may bring; any other key is refused by Nomad. */
export interface ParameterizedSpec {
  readonly metaRequired: readonly string[];
  readonly metaOptional: readonly string[];
}

/** A node's property that must have a value, or copies that each want a node of their own. */
export type ConstraintSpec = NodeConstraint | "distinct_hosts";

export interface NodeConstraint {
  readonly attribute: string;
  readonly operator: "=" | "!=" | "is_set";
  readonly value: string;
}

export interface SpreadSpec {
  readonly attribute: string;
  /** 1 to 100 against the others. */
  readonly weight: number;
}

export interface UpdateSpec {
  /** How many are replaced at once. */
  readonly maxParallel: number;
  /** How many of the new version run beside the old before any of those goes; 0: none. */
  readonly canaries: number;
  /** Whether canaries that are well take over by themselves. */
  readonly autoPromote: boolean;
  /** Whether the last good version comes back when a new one fails. */
  readonly autoRevert: boolean;
  /** A task must have run for so long to count as well. */
  readonly minHealthySecs: number;
  /** One that is not well by then has failed. */
  readonly healthyDeadlineSecs: number;
  /** A deployment without progress for so long has failed. */
  readonly progressDeadlineSecs: number;
}

export interface GroupSpec {
  readonly name: string;
  readonly count: number;
  readonly network: NetworkSpec;
  readonly restart: RestartSpec;
  /** System jobs have none. */
  readonly reschedule?: RescheduleSpec;
  /** Nomad's own unless set: what is out of reach is lost, and replaced. */
  readonly disconnect?: DisconnectSpec;
  /** MB of the node's disk that the allocation counts for; its logs must fit in. */
  readonly diskMb: number;
  readonly volumes: readonly VolumeSpec[];
  readonly tasks: readonly TaskSpec[];
}

export interface NetworkSpec {
  readonly mode: "host" | "bridge";
  readonly ports: readonly PortSpec[];
}

export interface PortSpec {
  readonly label: string;
  /** A fixed port on the node; undefined: Nomad chooses one. */
  readonly static: number | undefined;
}

export interface RestartSpec {
  readonly attempts: number;
  /** `fail`: the allocation has failed when attempts are used up; `delay`: they begin anew with the next interval. */
  readonly mode: "fail" | "delay";
  /** That attempts are counted in. */
  readonly intervalSecs?: number;
  /** Between an end and the next start. */
  readonly delaySecs?: number;
}

export interface RescheduleSpec {
  readonly attempts: number;
  readonly unlimited: boolean;
  /** Before the first one; it doubles from there. */
  readonly delaySecs?: number;
  readonly maxDelaySecs?: number;
}

/** What happens while a node is out of reach, and when it comes back. */
export interface DisconnectSpec {
  /** Seconds after which what ran there counts as lost. */
  readonly lostAfterSecs: number;
  readonly replace: boolean;
  readonly reconcile: "keep_original" | "keep_replacement" | "best_score" | "longest_running";
}

/** A host volume of the group. */
export interface VolumeSpec {
  readonly name: string;
  /** The volume's name on the node. */
  readonly source: string;
  /** Where the tasks that mount it see it. */
  readonly destination: string;
}

export interface TaskSpec {
  readonly name: string;
  readonly driver: "docker" | "exec" | "raw_exec" | "java";
  /** The driver's own keys, in its own snake_case. */
  readonly config: Readonly<Record<string, string | readonly string[]>>;
  readonly env: Readonly<Record<string, string>>;
  readonly resources: ResourcesSpec;
  readonly logs: LogsSpec;
  readonly killSignal: string;
  readonly killTimeoutSecs: number;
  /** Its end ends the tasks beside it. */
  readonly leader: boolean;
  /** Names of the group's volumes. */
  readonly volumes: readonly string[];
  /** What Nomad signs for the task, to show to others. */
  readonly identities?: readonly IdentitySpec[];
  /** What Nomad fetches before it starts the task. */
  readonly artifacts?: readonly ArtifactSpec[];
}

/** A signed identity of the task, written to `NOMAD_SECRETS_DIR` and again before it expires. */
export interface IdentitySpec {
  /** `default` is the one for Nomad's own API. */
  readonly name: string;
  /** Who it is for; the default one's is Nomad. */
  readonly audience: readonly string[];
  /** Whether the task finds it in its environment too, as it was at the start. */
  readonly env: boolean;
  /** Undefined: as long as the allocation; only the default one. */
  readonly ttlSecs?: number | undefined;
}

export interface ArtifactSpec {
  /** One file. */
  readonly url: string;
  /** In hexadecimal; anything else is refused. */
  readonly sha256: string;
  /** Where it goes, from the task's folder: `local/controller.js`. */
  readonly destination: string;
}

export interface ResourcesSpec {
  /** MHz; ignored where there are `cores`. */
  readonly cpu: number;
  /** Whole cores of its own. */
  readonly cores: number | undefined;
  /** MiB. */
  readonly memory: number;
}

export interface LogsSpec {
  readonly maxFiles: number;
  readonly maxFileSizeMb: number;
}
