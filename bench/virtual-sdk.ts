import type { GateChannel } from "../agent/gate-links";
import { gateAgentPair } from "../protocol/memory-channel";

/** A player with a seat. */
export interface Entry {
  readonly serverId: string;
  readonly playerId: string;
  readonly ticket: string;
}

type Call = (path: string, body: object) => void;

/**
 * A DOUBLE of a gate and of the game servers behind it: speaks the gate's protocol to a real agent, opens no port, and
 * makes the calls that a server with the SDK makes: ready at once, then a heartbeat every two seconds; players come and go
 * where it is told so.
 */
export class VirtualSdk {
  private readonly beating = new Map<string, NodeJS.Timeout>();
  private readonly calls = new Map<string, Call>();
  private readonly asked = new Map<number, (admitted: boolean) => void>();
  private lastId = 0;

  constructor(private readonly heartbeatMs: number) {}

  /** The agent's end of a new channel to this gate. */
  dial(): GateChannel {
    const { gate, agent } = gateAgentPair();
    gate.onMessage((message) => {
      if (message.type === "open" && !this.beating.has(message.serverId)) {
        const { serverId } = message;
        const call: Call = (path, body) =>
          gate.send({ type: "call", id: ++this.lastId, serverId, method: "POST", path, query: {}, body });
        this.calls.set(serverId, call);
        call("/v1/ready", {});
        this.beat(serverId, performance.now() + Math.random() * this.heartbeatMs, () => call("/v1/health", {}));
      } else if (message.type === "closeServer") this.end(message.serverId);
      else if (message.type === "answer") {
        const { admitted } = message.body as { readonly admitted?: boolean };
        this.asked.get(message.id)?.(message.status === 200 && admitted === true);
        this.asked.delete(message.id);
      }
    });
    gate.send({ type: "gateHello", protocol: 1, gateVersion: "double", servers: [] });
    return agent;
  }

  /** Players show their tickets to those of the servers that are here. @returns how many were let in */
  async join(entries: readonly Entry[]): Promise<number> {
    const admissions = entries.map(({ serverId, ticket }) => {
      const call = this.calls.get(serverId);
      if (!call) return Promise.resolve(false);
      call("/v1/players/join", { ticket });
      return new Promise<boolean>((resolve) => this.asked.set(this.lastId, resolve));
    });
    return (await Promise.all(admissions)).filter((admitted) => admitted).length;
  }

  /** These players go, where their server is here. */
  leave(entries: readonly Entry[]): void {
    for (const { serverId, playerId } of entries) this.calls.get(serverId)?.("/v1/players/leave", { playerId });
  }

  close(): void {
    for (const serverId of [...this.beating.keys()]) this.end(serverId);
  }

  /**
   * The next is due by the last one's due time, not by when it went out: else all that a moment's lateness sends together
   * would go together from then on, and thousands of servers, who in truth know nothing of each other, beat as one.
   */
  private beat(serverId: string, dueMs: number, call: () => void): void {
    const timer = setTimeout(
      () => {
        call();
        this.beat(serverId, Math.max(dueMs, performance.now() - this.heartbeatMs) + this.heartbeatMs, call);
      },
      Math.max(0, dueMs - performance.now()),
    );
    this.beating.set(serverId, timer);
  }

  private end(serverId: string): void {
    clearTimeout(this.beating.get(serverId));
    this.beating.delete(serverId);
    this.calls.delete(serverId);
  }
}
