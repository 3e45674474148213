import type { Channel } from "./channel";
import { ChannelEnd } from "./channel-end";
import { agentCodec, agentGateCodec, controllerCodec, gateCodec, MalformedMessage, type Codec } from "./codec";
import type { FromGate, ToGate } from "./gate-messages";
import type { FromAgent, FromController } from "./messages";

const HIGH_WATER = 1024 * 1024;

/**
 * Two ends of a pipe in one process. Messages are serialised and checked as on a socket, and arrive in order in a later
 * turn of the event loop; those of one turn arrive together, as they would in one packet.
 */
export function memoryChannelPair<A, B>(
  left: Codec<A, B>,
  right: Codec<B, A>,
): readonly [Channel<A, B>, Channel<B, A>] {
  const ends = [new MemoryChannel(left), new MemoryChannel(right)] as const;
  ends[0].connect(ends[1]);
  ends[1].connect(ends[0]);
  return ends;
}

/** An agent and a controller in one process. */
export function agentControllerPair(): {
  readonly agent: Channel<FromAgent, FromController>;
  readonly controller: Channel<FromController, FromAgent>;
} {
  const [agent, controller] = memoryChannelPair(agentCodec, controllerCodec);
  return { agent, controller };
}

/** A gate and an agent in one process. */
export function gateAgentPair(): {
  readonly gate: Channel<FromGate, ToGate>;
  readonly agent: Channel<ToGate, FromGate>;
} {
  const [gate, agent] = memoryChannelPair(gateCodec, agentGateCodec);
  return { gate, agent };
}

class MemoryChannel<Out, In> implements Channel<Out, In> {
  private readonly end = new ChannelEnd<In>();
  private outgoing: string[] = [];
  private queued = 0;
  private scheduled = false;
  private lastWords: string | undefined;
  private other: MemoryChannel<In, Out> | undefined;

  constructor(private readonly codec: Codec<Out, In>) {}

  get closed(): boolean {
    return this.end.closed;
  }

  connect(other: MemoryChannel<In, Out>): void {
    this.other = other;
  }

  send(message: Out): boolean {
    if (this.closed) return false;
    const line = this.codec.encode(message);
    this.outgoing.push(line);
    this.queued += line.length;
    this.schedule();
    return this.queued <= HIGH_WATER;
  }

  onMessage(listener: (message: In) => void): void {
    this.end.onMessage(listener);
  }

  onClose(listener: (reason: string) => void): void {
    this.end.onClose(listener);
  }

  close(reason = "closed"): void {
    if (!this.end.end(reason)) return;
    this.lastWords = reason;
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => this.flush());
  }

  private flush(): void {
    this.scheduled = false;
    const lines = this.outgoing;
    this.outgoing = [];
    this.queued = 0;
    for (const line of lines) this.other?.receive(line);
    if (this.lastWords !== undefined) this.other?.end.end(this.lastWords);
  }

  private receive(line: string): void {
    if (this.closed) return;
    let message: In;
    try {
      message = this.codec.decode(line);
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      this.close(`the other side sent ${error.message}`);
      return;
    }
    this.end.deliver(message);
  }
}
