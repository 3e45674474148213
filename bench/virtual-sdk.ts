import type { GateChannel } from "../agent/gate-links";
import { gateAgentPair } from "../protocol/memory-channel";

/**
 * A DOUBLE of a gate and of the game servers behind it: speaks the gate's protocol to a real agent, opens no port, and
 * makes the calls that a server with the SDK makes: ready at once, then a heartbeat every two seconds.
 */
export class VirtualSdk {
  private readonly beating = new Map<string, NodeJS.Timeout>();
  private lastId = 0;

  constructor(private readonly heartbeatMs: number) {}

  /** The agent's end of a new channel to this gate. */
  dial(): GateChannel {
    const { gate, agent } = gateAgentPair();
    const call = (serverId: string, path: string): void => {
      const id = ++this.lastId;
      gate.send({ type: "call", id, serverId, method: "POST", path, query: {}, body: {} });
    };
    gate.onMessage((message) => {
      if (message.type === "open" && !this.beating.has(message.serverId)) {
        const { serverId } = message;
        call(serverId, "/v1/ready");
        this.beat(serverId, Math.random() * this.heartbeatMs, () => call(serverId, "/v1/health"));
      } else if (message.type === "closeServer") this.end(message.serverId);
    });
    gate.send({ type: "gateHello", protocol: 1, gateVersion: "double", servers: [] });
    return agent;
  }

  close(): void {
    for (const serverId of [...this.beating.keys()]) this.end(serverId);
  }

  private beat(serverId: string, inMs: number, call: () => void): void {
    const timer = setTimeout(() => {
      call();
      this.beat(serverId, this.heartbeatMs, call);
    }, inMs);
    this.beating.set(serverId, timer);
  }

  private end(serverId: string): void {
    clearTimeout(this.beating.get(serverId));
    this.beating.delete(serverId);
  }
}
