import type { Logger } from "pino";
import type { Channel } from "../protocol/channel";
import type { Clock } from "../protocol/clock";
import type { FromAgent, FromController, Hello, RequestBody } from "../protocol/messages";
import { PROTOCOL_OLDEST, PROTOCOL_VERSION } from "../protocol/versions";

export type AgentChannel = Channel<FromController, FromAgent>;

export interface AgentLinksDeps {
  readonly region: string;
  readonly controllerId: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** An agent that says nothing for so long is silent; DESIGN: 3 s. */
  readonly silentAfterMs: number;
}

export interface AgentLinksHandlers {
  onMessage(nodeId: string, message: Exclude<FromAgent, { type: "ping" }>): void;
  /** @param heardMs when something was last heard of it */
  onSilent(nodeId: string, reason: string, heardMs: number): void;
  status(): { readonly leader: boolean; readonly epoch: number };
}

interface Link {
  readonly nodeId: string;
  readonly channel: AgentChannel;
  lastHeardMs: number;
  silent: boolean;
  readonly inFlight: Set<number>;
}

const HELLO_WITHIN_MS = 5000;
const PING_MS = 1000;
/** A timer that fires so much too late says that messages may wait unread. */
const HELD_UP_MS = 250;

/**
 * The controller's side of its agents' streams: who is connected, who has fallen silent, and requests to them.
 * An agent dials in and says `hello`; a second stream of the same node replaces the first.
 */
export class AgentLinks {
  /** Goes onto every request; agents refuse a lower one than they know. */
  epoch = 0;
  /** The highest that an agent has told of, connected now or before. */
  highestEpoch = 0;
  private readonly links = new Map<string, Link>();
  private readonly unnamed = new Set<AgentChannel>();
  private readonly early: AgentChannel[] = [];
  private handlers: AgentLinksHandlers | undefined;
  private cancelPing: () => void = () => undefined;
  private closed = false;
  private lastPingMs = 0;

  constructor(private readonly deps: AgentLinksDeps) {}

  start(handlers: AgentLinksHandlers): void {
    this.handlers = handlers;
    for (const channel of this.early.splice(0)) this.greet(channel);
    this.ping();
  }

  /** Takes an agent's new stream on. */
  accept(channel: AgentChannel): void {
    if (this.closed) channel.close("the controller is closing");
    else if (!this.handlers) this.early.push(channel);
    else this.greet(channel);
  }

  connected(): number {
    let count = 0;
    for (const { silent } of this.links.values()) if (!silent) count += 1;
    return count;
  }

  counts(): { readonly connected: number; readonly requestsInFlight: number } {
    let requestsInFlight = 0;
    for (const link of this.links.values()) requestsInFlight += link.inFlight.size;
    return { connected: this.connected(), requestsInFlight };
  }

  /** Sends a request; to a node that is not connected it is dropped, and its next snapshot tells what is so. */
  send(nodeId: string, id: number, body: RequestBody): void {
    const link = this.links.get(nodeId);
    if (!link) return;
    link.inFlight.add(id);
    link.channel.send({ type: "request", id, epoch: this.epoch, body });
  }

  close(): void {
    this.closed = true;
    this.cancelPing();
    for (const channel of [...this.unnamed, ...this.early]) channel.close("the controller is closing");
    for (const link of this.links.values()) link.channel.close("the controller is closing");
    this.links.clear();
  }

  private greet(channel: AgentChannel): void {
    this.unnamed.add(channel);
    let link: Link | undefined;
    const cancelHello = this.deps.clock.after(HELLO_WITHIN_MS, () => {
      if (!link) channel.close(`no hello within ${String(HELLO_WITHIN_MS)} ms`);
    });
    channel.onMessage((message) => {
      if (link) this.onMessage(link, message);
      else if (message.type === "hello") {
        cancelHello();
        this.unnamed.delete(channel);
        link = this.welcome(channel, message);
      } else if (message.type !== "ping") channel.close(`expected hello, got ${message.type}`);
    });
    channel.onClose((reason) => {
      cancelHello();
      this.unnamed.delete(channel);
      // A stream that a newer one replaced ends quietly.
      if (link && this.links.get(link.nodeId) === link) {
        this.links.delete(link.nodeId);
        if (!this.closed) this.handlers?.onSilent(link.nodeId, reason, link.lastHeardMs);
      }
    });
  }

  private welcome(channel: AgentChannel, hello: Hello): Link | undefined {
    const { region, controllerId, clock, log } = this.deps;
    const refusal = this.refusal(hello);
    if (refusal) {
      log.warn({ nodeId: hello.nodeId, code: refusal.code }, refusal.detail);
      channel.send({ type: "refused", ...refusal });
      channel.close(refusal.detail);
      return undefined;
    }
    const protocol = Math.min(PROTOCOL_VERSION, hello.protocol.newest);
    this.highestEpoch = Math.max(this.highestEpoch, hello.epoch);
    const link: Link = { nodeId: hello.nodeId, channel, lastHeardMs: clock.now(), silent: false, inFlight: new Set() };
    const older = this.links.get(hello.nodeId);
    this.links.set(hello.nodeId, link);
    older?.channel.close("a newer stream of this node has replaced this one");
    const { leader, epoch } = this.handlers?.status() ?? { leader: false, epoch: 0 };
    channel.send({
      type: "welcome",
      protocol,
      controllerId,
      region,
      leader,
      epoch,
    });
    log.info({ nodeId: hello.nodeId, bootId: hello.bootId, epoch: hello.epoch, protocol }, "agent connected");
    this.handlers?.onMessage(hello.nodeId, hello);
    return link;
  }

  private refusal(hello: Hello): { readonly code: "protocolVersion" | "region"; readonly detail: string } | undefined {
    if (hello.region !== this.deps.region)
      return {
        code: "region",
        detail: `this controller serves region ${this.deps.region}, the agent of node ${hello.nodeId} says ${hello.region}`,
      };
    if (hello.protocol.newest < PROTOCOL_OLDEST || hello.protocol.oldest > PROTOCOL_VERSION)
      return {
        code: "protocolVersion",
        detail: `this controller speaks protocol ${String(PROTOCOL_OLDEST)} to ${String(PROTOCOL_VERSION)}, the agent of node ${hello.nodeId} ${String(hello.protocol.oldest)} to ${String(hello.protocol.newest)}: upgrade the older one`,
      };
    return undefined;
  }

  private onMessage(link: Link, message: FromAgent): void {
    link.lastHeardMs = this.deps.clock.now();
    if (link.silent) {
      // What was missed is told by a new snapshot, so make the agent dial again.
      link.channel.close("was silent; say hello again");
      return;
    }
    if (message.type === "ping") return;
    if (message.type === "ack") {
      link.inFlight.delete(message.id);
      this.highestEpoch = Math.max(this.highestEpoch, message.epoch);
    }
    this.handlers?.onMessage(link.nodeId, message);
  }

  /** @returns how long it may still say nothing, in milliseconds; 0 where it is silent */
  private lookAt(link: Link, nowMs: number): number {
    const silentMs = nowMs - link.lastHeardMs;
    if (link.silent || silentMs < this.deps.silentAfterMs) return link.silent ? 0 : this.deps.silentAfterMs - silentMs;
    link.silent = true;
    this.handlers?.onSilent(link.nodeId, `nothing heard for ${String(silentMs)} ms`, link.lastHeardMs);
    return 0;
  }

  /** Looks once more in so long: a node is silent at its moment, not at the next ping. */
  private lookIn(link: Link, ms: number): void {
    const dueMs = this.deps.clock.now() + ms;
    this.deps.clock.after(ms, () => {
      const now = this.deps.clock.now();
      // Where this process was held up, the next ping finds out whose silence it was.
      if (!this.closed && this.links.get(link.nodeId) === link && now - dueMs < HELD_UP_MS) this.lookAt(link, now);
    });
  }

  private ping(): void {
    const now = this.deps.clock.now();
    // If this process itself was held up, the agents' messages wait unread: that is not their silence.
    const late = now - this.lastPingMs > 2 * PING_MS;
    this.lastPingMs = now;
    for (const link of this.links.values()) {
      link.channel.send({ type: "ping", atMs: now });
      if (late) link.lastHeardMs = Math.max(link.lastHeardMs, now - PING_MS);
      const leftMs = this.lookAt(link, now);
      if (leftMs > 0 && leftMs < PING_MS) this.lookIn(link, leftMs);
    }
    this.cancelPing = this.deps.clock.after(PING_MS, () => this.ping());
  }
}
