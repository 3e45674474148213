import type { Channel } from "../../protocol/channel";
import type { Clock } from "../../protocol/clock";
import {
  GATE_PROTOCOL_VERSION,
  type FromGate,
  type GateHello,
  type OpenServer,
  type ToGate,
} from "../../protocol/gate-messages";
import { GATE_LIMITS, type GateLimits } from "./limits";
import type { PeerCheck } from "./peer-check";
import { PendingCalls } from "./pending-calls";
import { ServerPort, type PortContext } from "./server-port";

export interface GateDeps {
  readonly clock: Clock;
  readonly version: string;
  readonly log: GateLog;
  /** Whose process calls; without it every caller with the right token is let in. */
  readonly checkPeer?: PeerCheck;
  readonly limits?: Partial<GateLimits>;
}

/** As much of a logger as is needed. */
export interface GateLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export type AgentChannel = Channel<FromGate, ToGate>;

/**
 * Holds the sockets that game servers keep open and decides nothing: it asks for the token, passes calls to the agent
 * and its answers back, and pushes events to streams. Agents come and go; ports and streams stay.
 *
 *     alone -- attachAgent --> attached -- its channel closes --> alone
 *                              attached -- attachAgent (a newer one) --> attached
 *
 * While a newer version stands beside it, it *retires*: what it holds it keeps, and with its last server it is done.
 */
export class Gate {
  readonly #limits: GateLimits;
  readonly #ports = new Map<string, ServerPort>();
  /** What is being done to each server's port: one thing after the other. */
  readonly #steps = new Map<string, Promise<void>>();
  readonly #calls: PendingCalls;
  #agent: AgentChannel | undefined;
  readonly #startedAtMs: number;
  #agentLeftAtMs: number;
  #retirement: { readonly done: Promise<void>; readonly end: () => void } | undefined;
  #stopHeartbeat: () => void;
  #stopped = false;

  constructor(private readonly deps: GateDeps) {
    this.#limits = { ...GATE_LIMITS, ...deps.limits };
    this.#calls = new PendingCalls(deps.clock, this.#limits);
    this.#startedAtMs = this.#agentLeftAtMs = deps.clock.now();
    this.#stopHeartbeat = this.#beat();
  }

  /** What is open now, as it tells a new agent. */
  get hello(): GateHello {
    const servers = [...this.#ports.values()].map(({ server, streams, agones, port }) => ({
      serverId: server.serverId,
      allocationId: server.allocationId,
      port,
      streams: streams.count,
      everStreamed: streams.everOpened,
      ...(agones ? { watchers: agones.watchers.count } : {}),
    }));
    return {
      type: "gateHello",
      protocol: GATE_PROTOCOL_VERSION,
      gateVersion: this.deps.version,
      startedAtMs: this.#startedAtMs,
      ...(this.#retirement === undefined ? {} : { retiring: true }),
      servers,
    };
  }

  /** Calls that have no answer yet. */
  get waitingCalls(): number {
    return this.#calls.size;
  }

  /** From now on this is the agent; one that was there before is sent away. Calls that waited go to it at once. */
  attachAgent(channel: AgentChannel): void {
    if (this.#stopped) return channel.close("the gate is stopping");
    const before = this.#agent;
    this.#agent = channel;
    before?.close("a newer agent took over this gate");
    this.deps.log.info({ servers: this.#ports.size, waiting: this.#calls.size }, "agent attached");
    channel.onClose((reason) => this.#agentClosed(channel, reason));
    channel.send(this.hello);
    this.#calls.agentCame((call) => void channel.send(call));
    channel.onMessage((message) => {
      if (channel === this.#agent) this.#obey(message);
    });
  }

  /**
   * Leaves new servers to a gate beside it, if there is one. Resolves when it holds no server any more; also when its
   * agent has been away for `forsakenMs` and nothing is connected: nobody would tell it of its servers' end.
   */
  retire(): Promise<void> {
    if (this.#retirement === undefined) {
      let end = (): void => undefined;
      const done = new Promise<void>((resolve) => (end = resolve));
      this.#retirement = { done, end };
      this.deps.log.info({ servers: this.#ports.size }, "gate retires: it ends with its last server");
      // The agent comes back at once and hears it in the hello; an older one reads over it.
      this.#agent?.close("the gate retires");
      this.#endIfDone();
    }
    return this.#retirement.done;
  }

  /** Ends every stream, refuses every waiting call and gives the ports back. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopHeartbeat();
    this.#calls.refuse("the gate is stopping");
    await Promise.all([...this.#steps.values()]);
    await Promise.all([...this.#ports.values()].map((port) => port.close()));
    this.#ports.clear();
    this.#agent?.close("the gate is stopping");
  }

  #obey(message: ToGate): void {
    switch (message.type) {
      case "open":
        return this.#after(message.serverId, () => this.#open(message));
      case "closeServer":
        return this.#after(message.serverId, () => this.#close(message.serverId));
      case "answer":
        return this.#calls.answered(message.id, message);
      case "push":
        return this.#ports.get(message.serverId)?.streams.push(message.event, message.data);
      case "agonesState":
        return this.#ports.get(message.serverId)?.agones?.watchers.push(message.gameServer);
    }
  }

  async #open(server: OpenServer): Promise<void> {
    if (this.#stopped) return;
    const { serverId, port } = server;
    const present = this.#ports.get(serverId);
    if (present?.isFor(server) === true) {
      present.knowPids(server.pids ?? []);
      return this.#tell({ type: "opened", serverId, port: present.port });
    }
    await this.#close(serverId);
    const opened = await this.#newPort(server);
    try {
      await opened.listen();
    } catch (error) {
      const detail = `127.0.0.1:${port} for the SDK of server ${serverId} cannot be opened: ${(error as Error).message}`;
      this.deps.log.warn({ serverId, port }, detail);
      return this.#tell({ type: "openFailed", serverId, port, detail });
    }
    this.#ports.set(serverId, opened);
    this.#tell({ type: "opened", serverId, port: opened.port });
  }

  async #close(serverId: string): Promise<void> {
    const port = this.#ports.get(serverId);
    if (port === undefined) return;
    this.#ports.delete(serverId);
    this.#calls.refuse(`the SDK port of server ${serverId} is closing`, serverId);
    await port.close();
  }

  async #newPort(server: OpenServer): Promise<ServerPort> {
    const { serverId } = server;
    // Loaded for the first server that uses it: gRPC and its messages are memory that few nodes have a use for.
    const { AgonesPort } = server.sdk === "agones" ? await import("./agones/agones-port") : {};
    const context: PortContext = {
      clock: this.deps.clock,
      limits: this.#limits,
      checkPeer: this.deps.checkPeer ?? (() => Promise.resolve("unknown")),
      call: (request, answer) => this.#calls.begin(request, answer),
      streamsChanged: (type, streams) => this.#tell({ type, serverId, streams }),
      watchersChanged: (watchers) => this.#tell({ type: "watchers", serverId, watchers }),
    };
    return new ServerPort(server, context, AgonesPort);
  }

  #agentClosed(channel: AgentChannel, reason: string): void {
    if (channel !== this.#agent) return;
    this.#agent = undefined;
    this.#agentLeftAtMs = this.deps.clock.now();
    this.#calls.agentLeft();
    this.deps.log.info({ reason }, "agent left; calls are held until it comes back");
  }

  #tell(message: FromGate): void {
    if (this.#agent?.closed === false) this.#agent.send(message);
  }

  #after(serverId: string, step: () => Promise<void>): void {
    const done = (this.#steps.get(serverId) ?? Promise.resolve())
      .then(step)
      .catch((error: unknown) => this.deps.log.warn({ serverId, error: String(error) }, "a port could not be changed"))
      .finally(() => {
        if (this.#steps.get(serverId) === done) this.#steps.delete(serverId);
        this.#endIfDone();
      });
    this.#steps.set(serverId, done);
  }

  #endIfDone(): void {
    if (this.#retirement === undefined || this.#steps.size > 0) return;
    const forsaken =
      this.#agent === undefined && this.deps.clock.now() - this.#agentLeftAtMs >= this.#limits.forsakenMs;
    const ports = [...this.#ports.values()];
    if (ports.length === 0 || (forsaken && ports.every(({ connections }) => connections === 0))) this.#retirement.end();
  }

  /** One timer for the streams of all servers. */
  #beat(): () => void {
    return this.deps.clock.after(this.#limits.heartbeatMs, () => {
      for (const port of this.#ports.values()) port.streams.heartbeat();
      this.#endIfDone();
      this.#stopHeartbeat = this.#beat();
    });
  }
}
