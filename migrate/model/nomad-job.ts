/**
 * A Nomad job as migration makes it: more of the job specification than Forge's own jobs use (`jobs/spec.ts`), in
 * camelCase, durations in seconds. `undefined` leaves a key out, so that Nomad's default holds. Strings are as the program
 * should see them; `${…}` of Nomad is written by converters on purpose only. `shapes.ts` says how each key is written.
 */
export interface NomadJob {
  readonly id: string;
  readonly namespace: string;
  readonly type: "service" | "batch" | "system";
  readonly datacenters: readonly string[];
  readonly priority?: number | undefined;
  readonly periodic?: Periodic | undefined;
  readonly group: NomadGroup;
  /** Comments at the top of the HCL. */
  readonly notes: readonly string[];
}

export interface Periodic {
  readonly crons: readonly string[];
  readonly timeZone?: string | undefined;
  readonly prohibitOverlap: boolean;
  readonly enabled?: boolean | undefined;
}

export interface NomadGroup {
  readonly name: string;
  readonly count?: number | undefined;
  readonly network?: Network | undefined;
  readonly constraints: readonly Constraint[];
  readonly affinities: readonly (Constraint & { readonly weight: number })[];
  readonly spreads: readonly { readonly attribute: string; readonly weight: number }[];
  readonly update?: Update | undefined;
  readonly migrate?: { readonly maxParallel: number } | undefined;
  readonly restart?: Restart | undefined;
  readonly reschedule?:
    { readonly attempts: number; readonly interval?: number; readonly unlimited: boolean } | undefined;
  readonly scaling?: Scaling | undefined;
  readonly shutdownDelay?: number | undefined;
  readonly ephemeralDisk?: { readonly size: number } | undefined;
  readonly volumes: readonly Volume[];
  readonly services: readonly Service[];
  readonly tasks: readonly NomadTask[];
}

export interface Network {
  readonly mode: "bridge" | "host";
  readonly hostname?: string | undefined;
  readonly dns?: Dns | undefined;
  readonly ports: readonly Port[];
}

/** As in resolv.conf; an option is `ndots:2`. */
interface Dns {
  readonly servers?: readonly string[] | undefined;
  readonly searches?: readonly string[] | undefined;
  readonly options?: readonly string[] | undefined;
}

export interface Port {
  readonly label: string;
  readonly static?: number | undefined;
  readonly to?: number | undefined;
}

export interface Constraint {
  readonly attribute?: string | undefined;
  readonly operator?: string | undefined;
  readonly value?: string | undefined;
}

export interface Update {
  readonly maxParallel?: number | undefined;
  readonly canary?: number | undefined;
  readonly minHealthyTime?: number | undefined;
  readonly healthyDeadline?: number | undefined;
  readonly progressDeadline?: number | undefined;
  readonly autoPromote?: boolean | undefined;
  readonly autoRevert?: boolean | undefined;
}

export interface Restart {
  readonly attempts: number;
  readonly interval?: number | undefined;
  readonly delay?: number | undefined;
  readonly mode: "delay" | "fail";
}

export interface Scaling {
  readonly enabled: boolean;
  readonly min: number;
  readonly max: number;
  /** A check of the Nomad Autoscaler by its name: what to ask, and the value to hold. */
  readonly checks: readonly { readonly name: string; readonly query: string; readonly target: number }[];
  readonly cooldown?: number | undefined;
}

export interface Volume {
  readonly name: string;
  readonly type: "host" | "csi";
  readonly source: string;
  readonly readOnly?: boolean | undefined;
  readonly sticky?: boolean | undefined;
  readonly accessMode: string;
  readonly attachmentMode: string;
}

export interface Service {
  readonly name: string;
  readonly port?: string | undefined;
  readonly provider: "consul" | "nomad";
  readonly tags: readonly string[];
  readonly checks: readonly Check[];
}

export interface Check {
  readonly name: string;
  readonly type: "http" | "tcp" | "grpc" | "script";
  readonly port?: string | undefined;
  readonly path?: string | undefined;
  readonly method?: string | undefined;
  readonly protocol?: string | undefined;
  readonly tlsSkipVerify?: boolean | undefined;
  readonly grpcService?: string | undefined;
  readonly task?: string | undefined;
  readonly command?: string | undefined;
  readonly args?: readonly string[] | undefined;
  readonly header?: Readonly<Record<string, readonly string[]>> | undefined;
  readonly interval: number;
  readonly timeout: number;
  readonly successBeforePassing?: number | undefined;
  readonly failuresBeforeCritical?: number | undefined;
  readonly checkRestart?: { readonly limit: number; readonly grace: number } | undefined;
}

export type ConfigValue =
  string | number | boolean | readonly string[] | readonly ConfigBlock[] | Readonly<Record<string, string>>;
export interface ConfigBlock {
  readonly [key: string]: string | number | boolean | readonly ConfigBlock[];
}

export interface NomadTask {
  readonly name: string;
  readonly driver: "docker" | "exec" | "raw_exec";
  readonly lifecycle?: { readonly hook: "prestart" | "poststart" | "poststop"; readonly sidecar: boolean } | undefined;
  readonly leader?: boolean | undefined;
  readonly user?: string | undefined;
  readonly killTimeout?: number | undefined;
  readonly killSignal?: string | undefined;
  /** The driver's own keys, as it spells them. */
  readonly config: Readonly<Record<string, ConfigValue>>;
  readonly env: Readonly<Record<string, string>>;
  readonly templates: readonly Template[];
  readonly volumeMounts: readonly VolumeMount[];
  /** Present: Nomad logs the task in at Vault, for its templates. */
  readonly vault?: { readonly role: string; readonly env: boolean; readonly changeMode: "noop" } | undefined;
  readonly resources: Resources;
  /** Comments above the task. */
  readonly notes: readonly string[];
}

export interface Template {
  readonly data: string;
  readonly destination: string;
  readonly env?: boolean | undefined;
  readonly changeMode: "noop" | "restart";
  readonly perms?: string | undefined;
  readonly leftDelimiter?: string | undefined;
  readonly rightDelimiter?: string | undefined;
  readonly errorOnMissingKey?: boolean | undefined;
  /** Of the bytes that it has to come to, in hex; of what holds no secret. It is not part of the job. */
  readonly sha256?: string | undefined;
}

export interface VolumeMount {
  readonly volume: string;
  readonly destination: string;
  readonly readOnly?: boolean | undefined;
}

export interface Resources {
  readonly cpu?: number | undefined;
  readonly cores?: number | undefined;
  readonly memory: number;
  readonly memoryMax?: number | undefined;
  readonly devices: readonly { readonly name: string; readonly count: number }[];
}
