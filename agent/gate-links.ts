import type { Channel } from "../protocol/channel";
import type { Clock } from "../protocol/clock";
import {
  GATE_PROTOCOL_VERSION,
  type FromGate,
  type GateCall,
  type GateHello,
  type ToGate,
} from "../protocol/gate-messages";
import type { GameServer } from "./game-server";
import type { AgentLog } from "./ledger";

export type GateChannel = Channel<ToGate, FromGate>;

export interface GateLinksHandlers {
  /** The server that a gate's message is about; undefined where this agent does not know it, or it is gone. */
  server(serverId: string): GameServer | undefined;
  /** All that should have an SDK port. */
  servers(): Iterable<GameServer>;
  /**
   * One SDK call; `answer` is called once. `name` is the call's own for good, also where it comes again; undefined of a
   * gate that does not say when it was started.
   */
  onCall(call: GateCall, name: string | undefined, answer: (status: number, body: unknown) => void): void;
  /** How many streams a server has now. `ended`: it had some, and the last has ended. */
  onStreams(server: GameServer, streams: number, ended: boolean): void;
  /** How many watch a server by Agones' SDK. */
  onWatchers(server: GameServer, watchers: number): void;
  onOpenFailed(server: GameServer, detail: string): void;
  /** From now on a gate has the server's port: before that it could not be heard. */
  onHeld(server: GameServer): void;
}

interface Gate {
  readonly channel: GateChannel;
  readonly startedAtMs: number;
  readonly retiring: boolean;
  /** Servers whose port this gate holds. */
  readonly held: Set<string>;
  /** When it last said anything, and when it was asked to. */
  heardMs: number;
  askedMs: number;
}

/** The port on which the gate listens for a server's SDK. */
export const SDK_PORT = "sdk";
/** A port that cannot be had may be another gate's that has not said hello yet: so often it is tried, once a second. */
const OPEN_TRIES = 5;
/** A gate of which nothing was heard for so long is asked; what it then does not answer for so long again, it does not hear either. */
const ASK_AFTER_MS = 3000;
const ANSWER_MS = 2000;

/**
 * The agent's side of its gates. While a new version of the gate stands beside an old one there are two: a server stays
 * with the gate that has its port, and new ones go to the newest that does not retire.
 *
 * A gate's `hello` is what is open; what should be open is the agent's. Each hello makes the first equal to the second.
 */
export class GateLinks {
  private readonly gates: Gate[] = [];
  /** By server: how often its port could not be opened, one time after the other. */
  private readonly failures = new Map<string, number>();

  constructor(
    private readonly handlers: GateLinksHandlers,
    private readonly clock: Pick<Clock, "now">,
    private readonly log: AgentLog,
  ) {}

  attach(channel: GateChannel): void {
    let gate: Gate | undefined;
    channel.onMessage((message) => {
      if (gate) gate.heardMs = this.clock.now();
      if (gate) this.onMessage(gate, message);
      else if (message.type === "gateHello") gate = this.greet(channel, message);
      else channel.close(`expected gateHello, got ${message.type}`);
    });
    channel.onClose((reason) => {
      if (!gate) return;
      this.gates.splice(this.gates.indexOf(gate), 1);
      this.log.info({ reason, servers: gate.held.size }, "gate left");
    });
  }

  /** Opens a server's port, or tells the gate that has it what is new of it. */
  open(server: GameServer): void {
    const gate = this.holder(server.serverId) ?? this.forNew();
    if (gate) this.openOn(gate, server);
  }

  close(serverId: string): void {
    this.failures.delete(serverId);
    for (const gate of this.gates) {
      if (gate.held.delete(serverId)) gate.channel.send({ type: "closeServer", serverId });
    }
  }

  push(serverId: string, event: string, data: unknown): void {
    this.holder(serverId)?.channel.send({ type: "push", serverId, event, data });
  }

  /**
   * Once a second: servers whose port no gate holds, because theirs has ended or it could not be had, get one.
   * @param lateMs for so long this process stood still: what gates said meanwhile waits unread
   */
  tick(lateMs: number): void {
    if (this.gates.length === 0) return;
    for (const gate of this.gates) {
      gate.heardMs = Math.min(this.clock.now(), gate.heardMs + lateMs);
      this.askSilent(gate);
    }
    for (const server of this.handlers.servers()) {
      const { serverId } = server;
      if (!this.holds(serverId) && (this.failures.get(serverId) ?? 0) < OPEN_TRIES) this.open(server);
    }
  }

  /** Whether the server's gate is there and hears it: one that was stopped says nothing of what its servers say. */
  hears(serverId: string): boolean {
    return this.clock.now() - this.heardMs(serverId) < ASK_AFTER_MS + ANSWER_MS;
  }

  /** When the server's gate last said anything. */
  heardMs(serverId: string): number {
    return this.holder(serverId)?.heardMs ?? -Infinity;
  }

  /** Has the server's gate say that it is there, once a look. */
  ask(serverId: string): void {
    const gate = this.holder(serverId);
    const now = this.clock.now();
    if (gate && gate.heardMs < now && gate.askedMs < now) this.askGate(gate);
  }

  private askSilent(gate: Gate): void {
    const now = this.clock.now();
    if (now - gate.heardMs >= ASK_AFTER_MS && now - gate.askedMs >= ASK_AFTER_MS) this.askGate(gate);
  }

  /** A port that it has already it says to have opened: all gates do, so it needs no message of its own. */
  private askGate(gate: Gate): void {
    const server = [...gate.held].map((id) => this.handlers.server(id)).find((known) => known !== undefined);
    if (!server) return;
    gate.askedMs = this.clock.now();
    this.openOn(gate, server);
  }

  /** Whether a gate that is connected has the server's port. */
  holds(serverId: string): boolean {
    return this.holder(serverId) !== undefined;
  }

  pushAgones(serverId: string, gameServer: unknown): void {
    this.holder(serverId)?.channel.send({ type: "agonesState", serverId, gameServer });
  }

  closeAll(reason: string): void {
    for (const gate of [...this.gates]) gate.channel.close(reason);
  }

  private holder(serverId: string): Gate | undefined {
    return this.gates.find((gate) => gate.held.has(serverId));
  }

  /** The newest; one that retires only where there is no other, so that no server waits. */
  private forNew(): Gate | undefined {
    const staying = this.gates.filter(({ retiring }) => !retiring);
    const among = staying.length > 0 ? staying : this.gates;
    return among.reduce<Gate | undefined>(
      (newest, gate) => (newest && newest.startedAtMs > gate.startedAtMs ? newest : gate),
      undefined,
    );
  }

  private greet(channel: GateChannel, hello: GateHello): Gate | undefined {
    if (hello.protocol !== GATE_PROTOCOL_VERSION) {
      const detail = `the gate speaks protocol ${hello.protocol}, this agent ${GATE_PROTOCOL_VERSION}: upgrade the older one`;
      this.log.error({ gateVersion: hello.gateVersion }, detail);
      channel.close(detail);
      return undefined;
    }
    const { gateVersion, startedAtMs = 0, retiring = false } = hello;
    const gate: Gate = {
      channel,
      startedAtMs,
      retiring,
      held: new Set(),
      heardMs: this.clock.now(),
      askedMs: -Infinity,
    };
    this.gates.push(gate);
    this.log.info({ gateVersion, retiring, servers: hello.servers.length }, "gate connected");
    for (const open of hello.servers) this.compare(gate, open);
    for (const server of this.handlers.servers()) {
      const holder = this.holder(server.serverId) ?? this.forNew();
      if (holder === gate) this.openOn(gate, server);
    }
    return gate;
  }

  /** One port that the gate holds: right, or to be closed. */
  private compare(gate: Gate, open: GateHello["servers"][number]): void {
    const server = this.handlers.server(open.serverId);
    if (server?.allocationId !== open.allocationId || server.expect.ports[SDK_PORT] !== open.port) {
      gate.channel.send({ type: "closeServer", serverId: open.serverId });
      return;
    }
    // What is open is where it is, whatever another gate was asked for before this one had said so.
    for (const each of this.gates) each.held.delete(open.serverId);
    gate.held.add(open.serverId);
    this.failures.delete(open.serverId);
    this.handlers.onHeld(server);
    this.handlers.onStreams(server, open.streams, open.everStreamed && open.streams === 0);
    this.handlers.onWatchers(server, open.watchers ?? 0);
  }

  private openOn(gate: Gate, server: GameServer): void {
    const { serverId, allocationId, ports, sdkToken: token, sdk } = server.expect;
    const port = ports[SDK_PORT];
    if (port === undefined || server.gone) return;
    if (!gate.held.has(serverId)) this.handlers.onHeld(server);
    gate.held.add(serverId);
    const pids = Object.values(server.processes.pids);
    const agones = sdk === "agones" ? { sdk } : {};
    gate.channel.send({ type: "open", serverId, allocationId, port, token, pids, ...agones });
  }

  private onMessage(gate: Gate, message: FromGate): void {
    switch (message.type) {
      case "call":
        return this.handlers.onCall(message, callName(gate, message), (status, body) => {
          gate.channel.send({ type: "answer", id: message.id, status, body });
        });
      case "streamOpened":
      case "streamEnded": {
        const server = gate.held.has(message.serverId) ? this.handlers.server(message.serverId) : undefined;
        if (server) this.handlers.onStreams(server, message.streams, message.streams === 0);
        return;
      }
      case "watchers": {
        const server = gate.held.has(message.serverId) ? this.handlers.server(message.serverId) : undefined;
        if (server) this.handlers.onWatchers(server, message.watchers);
        return;
      }
      case "openFailed": {
        const server = this.handlers.server(message.serverId);
        gate.held.delete(message.serverId);
        if (!server || this.holds(message.serverId)) return;
        const failures = (this.failures.get(message.serverId) ?? 0) + 1;
        this.failures.set(message.serverId, failures);
        if (failures === OPEN_TRIES) this.handlers.onOpenFailed(server, message.detail);
        return;
      }
      case "opened":
        this.failures.delete(message.serverId);
        return;
      case "gateHello":
        return gate.channel.close("said hello twice");
    }
  }
}

function callName({ startedAtMs }: Gate, { id }: GateCall): string | undefined {
  return startedAtMs === 0 ? undefined : `${startedAtMs}-${id}`;
}
