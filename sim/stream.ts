import type { Channel } from "../protocol/channel";
import { ChannelEnd } from "../protocol/channel-end";
import { MalformedMessage, type Codec } from "../protocol/codec";
import type { FromGate, ToGate } from "../protocol/gate-messages";
import type { FromAgent, FromController } from "../protocol/messages";
import type { Network } from "./network";
import { phaseOf, type Phase } from "./phase";
import type { Process } from "./process";

type Message = FromAgent | FromController | FromGate | ToGate;

export interface StreamSide<Out, In> {
  readonly process: Process;
  readonly codec: Codec<Out, In>;
  /** Told of each message that goes out, before it does. */
  readonly tap?: (message: Out) => void;
  /** Told of each message that comes in, before it is taken. */
  readonly heard?: (message: In) => void;
  /** May change what goes out: how an agent lies. */
  readonly twist?: (line: string) => string;
}

interface Item {
  readonly line: string | undefined;
  readonly phase: Phase | undefined;
  /** Of the last item: why it is closed. */
  readonly reason: string;
}

/**
 * A connection between two processes over the modelled network, with the real codec at both ends. In order, as TCP is;
 * what is sent while the way is cut arrives once it is mended, unless an end has given up by then.
 */
export function connectStream<A extends Message, B extends Message>(
  network: Network,
  left: StreamSide<A, B>,
  right: StreamSide<B, A>,
): readonly [Channel<A, B>, Channel<B, A>] {
  const asked = new Map<number, Phase>();
  const a = new StreamEnd<A, B>(network, left, right.process, asked);
  const b = new StreamEnd<B, A>(network, right, left.process, asked);
  a.join(b);
  b.join(a);
  return [a, b];
}

class StreamEnd<Out extends Message, In extends Message> implements Channel<Out, In> {
  private readonly end = new ChannelEnd<In>();
  private other: StreamEnd<In, Out> | undefined;
  private lastAtMs = 0;
  private held: Item[] = [];
  private ended = false;

  constructor(
    private readonly network: Network,
    private readonly side: StreamSide<Out, In>,
    private readonly reader: Process,
    private readonly asked: Map<number, Phase>,
  ) {
    // The kernel closes what a process leaves behind.
    side.process.whenEnded(() => {
      if (!side.process.silent) this.hangUp("the other side has ended");
    });
  }

  join(other: StreamEnd<In, Out>): void {
    this.other = other;
  }

  get closed(): boolean {
    return this.end.closed;
  }

  send(message: Out): boolean {
    if (this.closed || !this.side.process.alive) return false;
    const { codec, twist, tap, process } = this.side;
    tap?.(message);
    const phase = phaseOf(message, this.asked);
    const line = codec.encode(message);
    const told = twist ? twist(line) : line;
    this.enqueue({ line: told, phase, reason: "" });
    const repeatable = message.type === "request";
    if (repeatable && this.network.duplicates(process.host, this.reader.host))
      this.enqueue({ line: told, phase, reason: "" });
    return true;
  }

  onMessage(listener: (message: In) => void): void {
    this.end.onMessage(listener);
  }

  onClose(listener: (reason: string) => void): void {
    this.end.onClose(listener);
  }

  close(reason = "closed"): void {
    if (!this.end.end(reason)) return;
    this.hangUp(reason);
  }

  private hangUp(reason: string): void {
    if (this.ended) return;
    this.ended = true;
    this.enqueue({ line: undefined, phase: undefined, reason });
  }

  private enqueue(item: Item): void {
    if (item.phase) this.network.begin(item.phase);
    if (this.held.length > 0) this.held.push(item);
    else this.schedule(item);
  }

  private schedule(item: Item): void {
    const { schedule } = this.network;
    const { host } = this.side.process;
    this.lastAtMs = Math.max(this.lastAtMs, schedule.nowMs + this.network.latency(host, this.reader.host));
    schedule.after(
      this.lastAtMs - schedule.nowMs,
      this.reader,
      () => this.arrive(item),
      () => this.settle(item),
    );
  }

  private arrive(item: Item): void {
    const from = this.side.process.host;
    const to = this.reader.host;
    if (this.held.length > 0 || this.network.isCut(from, to)) {
      if (this.held.length === 0) this.network.whenOpen(from, to, () => this.release());
      this.held.push(item);
      return;
    }
    this.settle(item);
    if (item.line === undefined) this.other?.end.end(item.reason);
    else this.other?.receive(item.line, item.phase);
  }

  private release(): void {
    for (const item of this.held.splice(0)) this.schedule(item);
  }

  private settle({ phase }: Item): void {
    if (phase) this.network.finish(phase);
  }

  private receive(line: string, phase: Phase | undefined): void {
    if (this.closed) return;
    if (phase) {
      const routine = line.includes('"path":"/v1/health"') || line.startsWith('{"type":"answer"');
      this.network.onDelivered({ from: this.reader.host, to: this.side.process.host, phase, text: line, routine });
    }
    let message: In;
    try {
      message = this.side.codec.decode(line);
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      this.close(`the other side sent ${error.message}`);
      return;
    }
    this.side.heard?.(message);
    this.end.deliver(message);
  }
}
