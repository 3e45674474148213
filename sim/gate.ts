import { PendingCalls, type CallAnswer } from "../agent/gate/pending-calls";
import { GATE_LIMITS } from "../agent/gate/limits";
import type { Channel } from "../protocol/channel";
import { GATE_PROTOCOL_VERSION, type FromGate, type ToGate } from "../protocol/gate-messages";
import type { Process } from "./process";

export type GateEnd = Channel<FromGate, ToGate>;

interface OpenPort {
  readonly allocationId: string;
  readonly port: number;
  streams: number;
  everStreamed: boolean;
  onPush: (event: string, data: unknown) => void;
}

/**
 * A node's gate: a model of its sockets around its real book of waiting calls. It holds calls while the agent is away and
 * tells the agent which servers keep a stream.
 */
export class VirtualGate {
  private readonly calls: PendingCalls;
  private readonly ports = new Map<string, OpenPort>();
  private channel: GateEnd | undefined;

  constructor(readonly process: Process) {
    this.calls = new PendingCalls(process.clock, GATE_LIMITS);
  }

  attach(channel: GateEnd): void {
    this.channel?.close("a newer agent has come");
    this.channel = channel;
    channel.onMessage((message) => this.onMessage(message));
    channel.onClose(() => {
      if (this.channel !== channel) return;
      this.channel = undefined;
      this.calls.agentLeft();
    });
    channel.send({
      type: "gateHello",
      protocol: GATE_PROTOCOL_VERSION,
      gateVersion: "sim",
      servers: [...this.ports].map(([serverId, { allocationId, port, streams, everStreamed }]) => ({
        serverId,
        allocationId,
        port,
        streams,
        everStreamed,
      })),
    });
    this.calls.agentCame((call) => channel.send(call));
  }

  /** Whether a server can connect. */
  isOpen(serverId: string, allocationId: string): boolean {
    return this.process.alive && this.ports.get(serverId)?.allocationId === allocationId;
  }

  call(serverId: string, path: string, body: unknown, answer: (answer: CallAnswer) => void): void {
    this.process.after(0, () =>
      this.calls.begin({ serverId, method: "POST", path, query: {}, body, bytes: 200 }, answer),
    );
  }

  openStream(serverId: string, onPush: (event: string, data: unknown) => void): void {
    const port = this.ports.get(serverId);
    if (!port) return;
    port.streams = 1;
    port.everStreamed = true;
    port.onPush = onPush;
    this.channel?.send({ type: "streamOpened", serverId, streams: 1 });
  }

  endStream(serverId: string): void {
    const port = this.ports.get(serverId);
    if (!port || port.streams === 0) return;
    port.streams = 0;
    this.channel?.send({ type: "streamEnded", serverId, streams: 0 });
  }

  private onMessage(message: ToGate): void {
    switch (message.type) {
      case "open": {
        const { serverId, allocationId, port } = message;
        if (this.ports.get(serverId)?.allocationId === allocationId) return;
        this.ports.set(serverId, { allocationId, port, streams: 0, everStreamed: false, onPush: () => undefined });
        this.channel?.send({ type: "opened", serverId, port });
        return;
      }
      case "closeServer":
        this.calls.refuse("its port was closed", message.serverId);
        this.ports.delete(message.serverId);
        return;
      case "push":
        this.ports.get(message.serverId)?.onPush(message.event, message.data);
        return;
      case "answer":
        this.calls.answered(message.id, { status: message.status, body: message.body });
        return;
      case "agonesState":
        return; // the world's servers speak Forge's own SDK
    }
  }
}
