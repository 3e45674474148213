import type { FromAgent, Request } from "../../../protocol/messages";
import { Core } from "../core";
import type { CommandResult, Decision } from "../decision";
import type { Command, CoreSettings, Input } from "../input";
import type { Kept } from "../kept-fleets";
import type { DecisionRecord, ForgeEvent } from "../resources";
import { AgentDouble } from "./agent-double";
import { EngineDouble } from "./engine-double";

/** Plain `Omit` over the union would lose its cases. */
type Untimed<T> = T extends unknown ? Omit<T, "nowMs"> : never;

interface Link {
  connected: boolean;
  readonly toAgent: Request[];
  readonly toCore: FromAgent[];
}

/**
 * TEST DOUBLE of everything around the core: an engine, agents, the channels between them, and the clock. Nothing
 * happens by itself: messages wait in their channels until `deliver` or `run` moves them, in the order of each channel.
 */
export class RegionDouble {
  nowMs = 1_700_000_000_000;
  core: Core;
  readonly engine: EngineDouble;
  readonly agents = new Map<string, AgentDouble>();
  readonly links = new Map<string, Link>();
  readonly replies = new Map<number, CommandResult[]>();
  readonly asked: number[] = [];
  readonly events: ForgeEvent[] = [];
  readonly records: DecisionRecord[] = [];
  /** What other regions are asked to take in; nobody answers unless the test does. */
  readonly transfers: Extract<Decision, { type: "transfer" }>[] = [];
  readonly stops: { readonly serverId: string; readonly atMs: number; readonly reason: string }[] = [];
  /** Scaling webhooks that were asked. */
  readonly consults: Extract<Decision, { type: "consult" }>[] = [];
  /** Called with every decision, before it is carried out. */
  watch: (decision: Decision) => void = () => undefined;
  /** Servers say that they are ready as soon as their agent expects them. */
  autoReady = true;
  /** Versions whose servers never say so. */
  readonly broken = new Set<string>();
  /** What leaders keep, as JSON; and whether it can be reached. */
  kept = `{"fleets":{},"nodes":{}}`;
  storeAnswers = true;
  private readonly keeping: Extract<Decision, { type: "keepFleets" }>[] = [];
  epoch = 0;
  private highestEpoch = 0;
  steppedDown = 0;
  private nextRequest = 1;
  private nextId = 0;
  private wakeAtMs = Infinity;

  constructor(
    private settings: CoreSettings,
    nodeIds: readonly string[] = ["n1"],
    { avoidsNodes = true } = {},
  ) {
    this.engine = new EngineDouble(settings.region, nodeIds, avoidsNodes);
    for (const nodeId of nodeIds) {
      this.agents.set(nodeId, new AgentDouble(nodeId, settings.region));
      this.links.set(nodeId, { connected: false, toAgent: [], toCore: [] });
    }
    this.core = this.newCore();
  }

  /** Agents connected, the engine listed, leading, and everything that follows from it done. */
  start(): this {
    for (const nodeId of this.agents.keys()) this.connect(nodeId);
    this.lead();
    this.give({ type: "engineList", servers: this.engine.list() });
    return this.run();
  }

  lead(): void {
    this.epoch = this.highestEpoch = Math.max(this.epoch, this.highestEpoch) + 1;
    this.give({ type: "leadership", leader: true, epoch: this.epoch, keeps: true });
    if (this.storeAnswers) this.readKept();
  }

  /** What was kept comes to the leader. */
  readKept(): void {
    this.give({ type: "fleetsRead", epoch: this.epoch, kept: JSON.parse(this.kept) as Kept });
  }

  /** The controller's process ends and a new one starts that knows nothing. Commands without an answer are lost with it. */
  restart(): void {
    this.core = this.newCore();
    for (const requestId of this.asked)
      if (!this.replies.has(requestId))
        this.replies.set(requestId, [{ ok: false, problem: { code: "unavailable", detail: "restarted" } }]);
    for (const [nodeId, link] of this.links) if (link.connected) this.cut(nodeId, false);
    this.wakeAtMs = Infinity;
    this.keeping.length = 0;
    this.engine.events.length = 0;
    this.lead();
    this.give({ type: "engineList", servers: this.engine.list() });
    for (const nodeId of this.agents.keys()) this.connect(nodeId);
  }

  /**
   * Another controller leads for a moment: it takes the next epoch at every agent and places these players there, and is
   * gone before it told anyone. What it decided beside that was never carried out.
   */
  usurp(commands: readonly Command[]): void {
    const epoch = this.epoch + 1;
    const other = new Core({
      settings: this.settings,
      controllerId: "c2",
      ids: (kind) => `${kind}-${String(++this.nextId)}`,
    });
    const sent: Extract<Decision, { type: "send" }>[] = [];
    const give = (input: Untimed<Input>): void => {
      for (const decision of other.handle({ ...input, nowMs: this.nowMs }))
        if (decision.type === "send") sent.push(decision);
    };
    const answer = (): void => {
      for (let next = sent.shift(); next; next = sent.shift()) {
        const { nodeId, id, body } = next;
        // It ends no server and starts none: that would be seen by all.
        if (body.kind === "close" || body.kind === "forget" || body.kind === "ended") continue;
        const agent = this.agent(nodeId);
        const ack = agent.request({ type: "request", id, epoch, body }, this.nowMs);
        if (ack.ok) agent.tellGiven({ epoch, body }, this.nowMs);
        if (body.kind === "epoch") give({ type: "agent", nodeId, message: agent.snapshot() });
        give({ type: "agent", nodeId, message: ack });
      }
    };
    give({ type: "leadership", leader: true, epoch });
    give({ type: "engineList", servers: this.engine.list() });
    for (const [nodeId, agent] of this.agents) {
      if (!this.link(nodeId).connected) continue;
      give({ type: "agent", nodeId, message: agent.hello() });
      give({ type: "agent", nodeId, message: agent.snapshot() });
      answer();
    }
    commands.forEach((command, requestId) => {
      give({ type: "command", requestId, command });
      answer();
    });
    this.highestEpoch = epoch;
  }

  connect(nodeId: string): void {
    const agent = this.agent(nodeId);
    const link = this.link(nodeId);
    link.connected = true;
    link.toAgent.length = 0;
    link.toCore.length = 0;
    agent.events.length = 0;
    link.toCore.push(agent.hello(), agent.snapshot());
  }

  /** The connection breaks; what was on its way is lost. */
  cut(nodeId: string, tellCore = true): void {
    const link = this.link(nodeId);
    link.connected = false;
    link.toAgent.length = 0;
    link.toCore.length = 0;
    this.agent(nodeId).events.length = 0;
    if (tellCore) this.give({ type: "agentSilent", nodeId, reason: "cut", heardMs: this.nowMs });
  }

  /** Gives a command and returns its request id; its reply turns up in `replies`. */
  ask(command: Command): number {
    const requestId = this.nextRequest++;
    this.asked.push(requestId);
    this.give({ type: "command", requestId, command });
    return requestId;
  }

  /** Gives a command, runs until nothing moves, and returns the reply; throws where there is none. */
  call(command: Command): CommandResult {
    const requestId = this.ask(command);
    this.run();
    return this.reply(requestId);
  }

  /** The value of a call that is expected to succeed. */
  must<T>(command: Command): T {
    const result = this.call(command);
    if (!result.ok) throw new Error(`${command.type}: ${result.problem.code}: ${result.problem.detail}`);
    return result.value as T;
  }

  reply(requestId: number): CommandResult {
    const [result] = this.replies.get(requestId) ?? [];
    if (!result) throw new Error(`request ${String(requestId)} has no reply yet`);
    return result;
  }

  give(input: Untimed<Input>): void {
    for (const decision of this.core.handle({ ...input, nowMs: this.nowMs })) {
      this.watch(decision);
      this.carryOut(decision);
    }
  }

  /** Moves one message on one channel. False where there was none. */
  deliver(channel: string): boolean {
    if (channel === "engine") {
      const event = this.engine.events.shift();
      if (!event) return false;
      if (event.type === "exited")
        for (const agent of this.agents.values()) agent.lose(event.server.serverId, "process ended", this.nowMs);
      this.give({ type: "engine", event });
      return true;
    }
    if (channel === "store") {
      const keep = this.keeping.shift();
      if (!keep) return false;
      if (this.storeAnswers) this.kept = JSON.stringify(keep.kept);
      this.give({ type: "fleetsKept", seq: keep.seq, ...(this.storeAnswers ? {} : { failure: "cut off" }) });
      return true;
    }
    const [direction, nodeId = ""] = channel.split(" ");
    const link = this.link(nodeId);
    const agent = this.agent(nodeId);
    if (direction === "toAgent") {
      const request = link.toAgent.shift();
      if (!request) return false;
      flush(link, agent);
      const ack = agent.request(request, this.nowMs);
      if (request.body.kind === "expect" && this.autoReady && this.engine.running(request.body.server.serverId)) {
        const { serverId, version } = request.body.server;
        if (!this.broken.has(version)) agent.becomeReady(serverId, this.nowMs);
      }
      // What happened before the answer is told before it.
      flush(link, agent);
      // A leader starts from what the agent has, not from what it heard as one of several.
      if (request.body.kind === "epoch" && !request.body.drain && ack.ok) link.toCore.push(agent.snapshot());
      link.toCore.push(ack);
      return true;
    }
    flush(link, agent);
    const message = link.toCore.shift();
    if (!message || message.type === "ping") return false;
    this.give({ type: "agent", nodeId, message });
    return true;
  }

  channels(): string[] {
    return [
      "engine",
      "store",
      ...[...this.links.keys()].flatMap((nodeId) => [`toAgent ${nodeId}`, `toCore ${nodeId}`]),
    ];
  }

  /** Moves messages until none is left, or so many have been moved. */
  run(most = Infinity): this {
    let left = most;
    for (let moved = true; moved && left > 0;) {
      moved = false;
      for (const channel of this.channels())
        while (left > 0 && this.deliver(channel)) {
          moved = true;
          left--;
        }
    }
    return this;
  }

  /** Lets time pass, with ticks, wakes and leases as they fall due; messages move all along unless `still`. */
  advance(ms: number, still = false): this {
    const end = this.nowMs + ms;
    while (this.nowMs < end) {
      this.nowMs = Math.min(end, Math.max(this.nowMs + 1, Math.min(this.nowMs + 500, this.wakeAtMs)));
      if (this.wakeAtMs <= this.nowMs) this.wakeAtMs = Infinity;
      for (const agent of this.agents.values()) agent.expireLeases(this.nowMs);
      this.give({ type: "tick" });
      if (!still) this.run();
    }
    return this;
  }

  /** A server's process dies as by SIGKILL. */
  kill(serverId: string): void {
    this.engine.end(serverId, { exitCode: undefined, signal: "SIGKILL", requested: false }, this.nowMs);
  }

  agent(nodeId: string): AgentDouble {
    const agent = this.agents.get(nodeId);
    if (!agent) throw new Error(`no node ${nodeId}`);
    return agent;
  }

  link(nodeId: string): Link {
    const link = this.links.get(nodeId);
    if (!link) throw new Error(`no node ${nodeId}`);
    return link;
  }

  /** The agent that has this server. */
  agentOf(serverId: string): AgentDouble {
    for (const agent of this.agents.values()) if (agent.servers.has(serverId)) return agent;
    throw new Error(`no agent has server ${serverId}`);
  }

  eventTypes(): string[] {
    return this.events.map((event) =>
      event.type === "failover"
        ? `failover.${event.step}`
        : event.type === "scaling"
          ? `scaling.${event.action}`
          : event.type,
    );
  }

  setSettings(settings: CoreSettings): void {
    this.settings = settings;
    this.give({ type: "policy", settings });
  }

  private newCore(): Core {
    return new Core({
      settings: this.settings,
      controllerId: "c1",
      ids: (kind) => `${kind}-${String(++this.nextId)}`,
      avoidsNodes: this.engine.avoidsNodes,
    });
  }

  private carryOut(decision: Decision): void {
    switch (decision.type) {
      case "start":
        return this.engine.start(decision.launch);
      case "stop":
        this.stops.push({ serverId: decision.serverId, atMs: this.nowMs, reason: decision.reason });
        return this.engine.stop(decision.serverId, this.nowMs);
      case "forget":
        return this.engine.forget(decision.serverId);
      case "send": {
        const link = this.link(decision.nodeId);
        if (link.connected)
          link.toAgent.push({ type: "request", id: decision.id, epoch: this.epoch, body: decision.body });
        return;
      }
      case "reply":
        this.replies.set(decision.requestId, [...(this.replies.get(decision.requestId) ?? []), decision.result]);
        return;
      case "event":
        this.events.push(decision.event);
        return;
      case "record":
        this.records.push(decision.record);
        return;
      case "transfer":
        this.transfers.push(decision);
        return;
      case "wake":
        this.wakeAtMs = Math.min(this.wakeAtMs, decision.atMs);
        return;
      case "consult":
        this.consults.push(decision);
        return;
      case "keepFleets":
        this.keeping.push(decision);
        return;
      case "stepDown":
        this.steppedDown++;
        return;
    }
  }
}

function flush(link: Link, agent: AgentDouble): void {
  if (link.connected && agent.events.length > 0) link.toCore.push({ type: "report", events: agent.events.splice(0) });
}
