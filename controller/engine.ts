import type { StopConfig } from "../config/config";

/**
 * The engine port: what runs servers. `embedded` runs them on this machine, `nomad` as dispatched jobs.
 * Both pass the contract suite in `test/contract/engine-contract.ts`.
 *
 * An engine knows nothing of players. It is told to start and stop; it says what happened.
 */
export interface Engine {
  readonly kind: "embedded" | "nomad";
  /** Whether `start` heeds a launch's `avoidNodes`; one that does not places servers there as anywhere. */
  readonly avoidsNodes: boolean;
  /**
   * Starts one server. Idempotent on `serverId`: a second call for a server that exists starts nothing.
   * Resolves when the engine has taken the order on, not when the server is up.
   * @throws {EngineError} where it cannot ever be started as asked (program missing, fixed port taken, unknown driver).
   */
  start(launch: ServerLaunch): Promise<void>;
  /** Stops one server: its own stop command or signal, then SIGKILL after the grace period. Stopping what is gone is no error. */
  stop(serverId: string, how: StopRequest): Promise<void>;
  /** Everything the engine runs or remembers since its last `forget`. */
  list(): Promise<readonly EngineServer[]>;
  /** Drops what it remembers of a server that has ended. */
  forget(serverId: string): Promise<void>;
  /** Calls `listener` for each event from now on; the result ends that. `list` after `subscribe` misses nothing. */
  subscribe(listener: (event: EngineEvent) => void): () => void;
  /** Names of a server's tasks; undefined where they are not known, or not yet. */
  tasks(serverId: string): Promise<readonly string[] | undefined>;
  /** The server's output, oldest first; with `follow` it goes on until the server ends or `signal` aborts. */
  logs(serverId: string, options: LogOptions): AsyncIterable<string>;
  close(): Promise<void>;
}

export interface LogOptions {
  readonly task?: string;
  readonly follow?: boolean;
  /** Start this many bytes before the end; default 64 KiB. */
  readonly tailBytes?: number;
  readonly signal?: AbortSignal;
}

export interface StopRequest {
  readonly reason: string;
  /** 0 kills at once. */
  readonly graceSecs: number;
}

/** One process of a server: the primary, or a role with `per = "server"`. */
export interface TaskLaunch {
  readonly name: string;
  readonly command: string | undefined;
  readonly image: string | undefined;
  readonly driver: "docker" | "exec" | "raw_exec" | "java";
  /** May hold `${NOMAD_…}` and `${FORGE_…}`, replaced when the ports are known. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** MHz as in Nomad; embedded: a share of one core at 1 core = 1000 MHz unless the machine says otherwise. */
  readonly cpu: number;
  /** MiB. */
  readonly memory: number;
}

export interface PortLaunch {
  readonly name: string;
  readonly protocol: "udp" | "tcp" | "http" | "ws";
  readonly static: number | undefined;
}

/** All an engine needs to run one server, and all a new controller needs to know of it again. */
export interface ServerLaunch {
  readonly serverId: string;
  readonly region: string;
  readonly experienceId: string;
  readonly version: string;
  /** `server` for what players join; a fleet role's name for servers without seats. */
  readonly role: string;
  /** The first task is the primary; the death of any fails the server. */
  readonly tasks: readonly TaskLaunch[];
  readonly ports: readonly PortLaunch[];
  /** Volume name to path; embedded: a folder of this region and experience, held by one server at a time. */
  readonly volumes: Readonly<Record<string, string>>;
  readonly stop: StopConfig;
  /** Nodes that it is kept off as long as another has room for it, by an engine that can. */
  readonly avoidNodes: readonly string[];
  /** Opaque to the engine, given back by `list`: strings only, at most 8 KiB in all. Keys are also `NOMAD_META_key` to the server. */
  readonly meta: Readonly<Record<string, string>>;
}

export type EngineServerState = "pending" | "running" | "exited";

export interface EngineServer {
  readonly serverId: string;
  readonly allocationId: string;
  readonly nodeId: string;
  readonly state: EngineServerState;
  readonly experienceId: string;
  readonly version: string;
  readonly role: string;
  /** Address on the node's network, and the ports given, by name; `sdk` is the gate's port for this server. */
  readonly address: string;
  readonly ports: Readonly<Record<string, number>>;
  /** Process ids by task name, where the engine knows them; else its node's agent finds them. */
  readonly pids: Readonly<Record<string, number>>;
  readonly logFiles: Readonly<Record<string, string>>;
  readonly meta: Readonly<Record<string, string>>;
  readonly exit: ServerExit | undefined;
}

export interface ServerExit {
  readonly task: string;
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly outOfMemory: boolean;
  /** Whether Forge asked for the stop. */
  readonly requested: boolean;
  readonly atMs: number;
}

export type EngineEvent =
  /** Ports and node are known; sent before the first task's process starts where the engine can. */
  | { readonly type: "placed"; readonly server: EngineServer }
  | { readonly type: "running"; readonly server: EngineServer }
  | { readonly type: "exited"; readonly server: EngineServer; readonly exit: ServerExit }
  /** It cannot be placed now (no capacity) or failed to start; `final` where no waiting helps. */
  | {
      readonly type: "blocked";
      readonly serverId: string;
      readonly reason: string;
      readonly code: EngineErrorCode;
      readonly final: boolean;
    }
  /**
   * `unreachable`: the engine cannot reach the node, which is all it knows; servers may run on, and whoever reaches them
   * knows better. Without it they are gone.
   */
  | { readonly type: "nodeDown"; readonly nodeId: string; readonly reason: string; readonly unreachable?: boolean }
  | { readonly type: "nodeUp"; readonly nodeId: string }
  /** Events may have been missed: call `list`. */
  | { readonly type: "resync" };

export type EngineErrorCode =
  | "noCapacity"
  | "programMissing"
  | "portTaken"
  | "driverUnsupported"
  | "startFailed"
  | "volumeBusy"
  | "engineUnavailable";

export class EngineError extends Error {
  constructor(
    readonly code: EngineErrorCode,
    message: string,
  ) {
    super(message);
    this.name = "EngineError";
  }
}
