/**
 * What the gate and the agent on one node say to each other, version 1. The gate holds the sockets that game servers
 * keep open and has no logic: it passes each call on and gives the agent's answer back. While the agent is away it holds
 * calls (bounded in number and time) and keeps streams open. A node may have several gates. One that is told to retire
 * hangs up and says so in its next hello.
 *
 *     gate                                   agent
 *       | gateHello (streams now open) -------> |
 *       | <------------------ open, one a server |   which port to listen on, which token to ask for
 *       | opened / openFailed ----------------> |
 *       | call (id, serverId, method, body) --> |
 *       | <-------------------- answer (id, …) |
 *       | streamOpened / streamEnded ---------> |
 *       | <------------- push (serverId, event) |   to every stream of that server
 *       | watchers (serverId, count) ---------> |   who watches by Agones' SDK
 *       | <-------- agonesState (serverId, …) |   to each of them
 */

/** Raised by itself: a gate names one version only, and stands beside agents that are older and newer than it. */
export const GATE_PROTOCOL_VERSION = 1;

export interface GateHello {
  readonly type: "gateHello";
  readonly protocol: number;
  readonly gateVersion: string;
  /** When its process started: of several gates of a node the newest is for new servers. Older gates do not say. */
  readonly startedAtMs?: number;
  /** It was told to go: it keeps the servers that it has, takes new ones only where no other gate is, and ends with its last. */
  readonly retiring?: true;
  /** Servers whose port is open, and how many SDK streams each has. */
  readonly servers: readonly {
    readonly serverId: string;
    readonly allocationId: string;
    readonly port: number;
    readonly streams: number;
    readonly everStreamed: boolean;
    /** Of a server on Agones' SDK: how many watch it. */
    readonly watchers?: number;
  }[];
}

export interface GateOpened {
  readonly type: "opened";
  readonly serverId: string;
  readonly port: number;
}

export interface GateOpenFailed {
  readonly type: "openFailed";
  readonly serverId: string;
  readonly port: number;
  readonly detail: string;
}

/**
 * One SDK call. `path` without its query, e.g. `/v1/players/join`; of Agones' SDK gRPC's own, whichever wire it came
 * over, e.g. `/agones.dev.sdk.SDK/Ready`, with its message as the body.
 */
export interface GateCall {
  readonly type: "call";
  readonly id: number;
  readonly serverId: string;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  /** Sent before, to an agent that left without answering: it may have been acted on already. */
  readonly repeated?: true;
}

export interface GateStream {
  readonly type: "streamOpened" | "streamEnded";
  readonly serverId: string;
  readonly streams: number;
}

/** How many watch a server by Agones' SDK, after each one's coming and going. */
export interface GateWatchers {
  readonly type: "watchers";
  readonly serverId: string;
  readonly watchers: number;
}

export interface OpenServer {
  readonly type: "open";
  readonly serverId: string;
  readonly allocationId: string;
  readonly port: number;
  readonly token: string;
  /** Root processes of the server, where known: the gate then refuses callers that it can see to be no part of them. */
  readonly pids?: readonly number[];
  /** Also answers Agones' SDK, over gRPC and HTTP. */
  readonly sdk?: "agones";
}

export interface CloseServer {
  readonly type: "closeServer";
  readonly serverId: string;
}

export interface GateAnswer {
  readonly type: "answer";
  readonly id: number;
  readonly status: number;
  readonly body: unknown;
}

/** An event for the server's SDK streams. */
export interface GatePush {
  readonly type: "push";
  readonly serverId: string;
  readonly event: string;
  readonly data: unknown;
}

/** The state of a server on Agones' SDK, for those who watch it. */
export interface AgonesState {
  readonly type: "agonesState";
  readonly serverId: string;
  readonly gameServer: unknown;
}

export type FromGate = GateHello | GateOpened | GateOpenFailed | GateCall | GateStream | GateWatchers;
export type ToGate = OpenServer | CloseServer | GateAnswer | GatePush | AgonesState;
