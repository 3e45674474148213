/**
 * A Nomad job as Forge builds it: what Forge uses of the job specification, in camelCase, durations in seconds.
 * `render.ts` turns it into the JSON that Nomad's API takes. Strings are as the server or Nomad should see them:
 * `${NOMAD_…}` is for Nomad to replace, and nothing here is escaped for Terraform (see `escape.ts`).
 */
export interface JobSpec {
  readonly id: string;
  readonly type: "batch" | "service" | "system";
  readonly namespace: string;
  readonly datacenters: readonly string[];
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

export interface GroupSpec {
  readonly name: string;
  readonly count: number;
  readonly network: NetworkSpec;
  readonly restart: RestartSpec;
  readonly reschedule: RescheduleSpec;
  readonly disconnect: DisconnectSpec;
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
  /** `fail`: the allocation has failed when attempts are used up. */
  readonly mode: "fail" | "delay";
}

export interface RescheduleSpec {
  readonly attempts: number;
  readonly unlimited: boolean;
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
