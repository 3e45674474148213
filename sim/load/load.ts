import { Core } from "../../controller/core/core";
import type { CommandResult, Decision, Waiting } from "../../controller/core/decision";
import type { Input } from "../../controller/core/input";
import type { ServerLaunch } from "../../controller/engine";
import type { AgentEvent } from "../../protocol/messages";
import type { Placement } from "../../controller/core/resources";
import { Random } from "../random";
import { Schedule } from "../schedule";
import { LoadNode, placedOn, type Seated } from "./nodes";
import { EXPERIENCE, loadSettings, type LoadSize } from "./settings";

export interface LoadPlan extends LoadSize {
  readonly players: number;
  readonly nodes: number;
  /** Players begin to ask within so many milliseconds, evenly where `daily` is not set. */
  readonly withinMs: number;
  /** Few at night and many in the evening: between a fifth and nine fifths of the mean. */
  readonly daily?: boolean;
  /** Mean time on a server, milliseconds. */
  readonly playMs: number;
}

export interface LoadResult {
  readonly virtualMs: number;
  readonly inputs: number;
  readonly played: number;
  /** Refused with 429 at least once, and asked again. */
  readonly refused: number;
  readonly gaveUp: number;
  /** The most at once. */
  readonly most: {
    readonly on: number;
    readonly waiting: number;
    readonly servers: number;
    readonly openRequests: number;
  };
  /** Players on a server beyond its limit. */
  readonly over: number;
  /** Left at the end: sessions that somebody forgot. */
  readonly left: number;
}

/** Plain `Omit` over the union would lose its cases. */
type Untimed<T> = T extends unknown ? Omit<T, "nowMs"> : never;
type Answer = (result: CommandResult) => void;

const EPOCH = 1;
const BOOT_MS = 400;
const WAY_MS = 1;
const LONG_POLL_MS = 25_000;
/** Whoever was refused so often comes back another day. */
const TRIES = 12;

/**
 * Very many players against one region in virtual time: the real core and the real books of seats. There is no network but
 * a millisecond each way, no journal, no codec and no fault: what is tried is how it scales, and that its bounds hold.
 */
export class Load {
  private readonly schedule = new Schedule();
  private readonly random: Random;
  private readonly core: Core;
  private readonly nodes: LoadNode[];
  /** Where servers run. */
  private readonly hosts = new Map<string, LoadNode>();
  private readonly launches = new Map<string, ServerLaunch>();
  private readonly answers = new Map<number, Answer>();
  private requests = 0;
  private placed = 0;
  private inputs = 0;
  private open: number;
  private on = 0;
  private played = 0;
  private refused = 0;
  private gaveUp = 0;
  private readonly most = { on: 0, waiting: 0, servers: 0, openRequests: 0 };

  constructor(
    private readonly plan: LoadPlan,
    seed: number,
  ) {
    this.random = new Random(`load-${String(seed)}`);
    this.open = plan.players;
    let ids = 0;
    const settings = loadSettings(plan);
    this.core = new Core({ settings, controllerId: "load", ids: (kind) => `${kind}-${String(++ids)}` });
    this.nodes = Array.from({ length: plan.nodes }, (_, n) => new LoadNode(`n${String(n)}`));
  }

  run(): LoadResult {
    const { schedule, core } = this;
    const beganMs = schedule.nowMs;
    for (const node of this.nodes) {
      this.give({ type: "agent", nodeId: node.nodeId, message: node.hello() });
      this.give({
        type: "agent",
        nodeId: node.nodeId,
        message: { type: "snapshot", epoch: 0, servers: [], saved: [] },
      });
    }
    this.give({ type: "leadership", leader: true, epoch: EPOCH });
    this.give({ type: "engineList", servers: [] });
    this.tick();
    this.come(0);
    while (this.open > 0) schedule.next(Infinity)?.run();
    const { players, queued } = core.counts();
    return {
      virtualMs: Math.round(schedule.nowMs - beganMs),
      inputs: this.inputs,
      played: this.played,
      refused: this.refused,
      gaveUp: this.gaveUp,
      most: this.most,
      over: this.nodes.reduce((sum, { over }) => sum + over, 0),
      left: players + queued,
    };
  }

  /** One after the other, so that those who have not come yet take no memory. */
  private come(n: number): void {
    const { players, withinMs, daily } = this.plan;
    if (n >= players) return;
    const share = daily ? 1 - 0.8 * Math.cos((2 * Math.PI * n) / players) : 1;
    const meanMs = withinMs / players / share;
    this.after(-Math.log(1 - this.random.next()) * meanMs, () => {
      this.ask(`p${String(n)}`, TRIES);
      this.come(n + 1);
    });
  }

  private ask(playerId: string, tries: number): void {
    this.command({ type: "createSession", playerId, experienceId: EXPERIENCE }, (result) =>
      this.answered(playerId, tries, result),
    );
  }

  private answered(playerId: string, tries: number, result: CommandResult): void {
    if (result.ok) {
      const value = result.value as Placement | Waiting;
      if (!("queueTicket" in value)) return this.arrive(value);
      const { queueTicket, claim } = value;
      const untilMs = this.nowMs + LONG_POLL_MS;
      return this.command({ type: "waitQueue", queueTicket, claim, untilMs }, (next) =>
        this.answered(playerId, tries, next),
      );
    }
    if (result.problem.code === "queueFull") this.refused += 1;
    if (tries === 0) {
      this.gaveUp += 1;
      return this.done();
    }
    const againMs = 1000 * (result.problem.retryAfterSecs ?? 5) * (0.5 + this.random.next());
    this.after(againMs, () => this.ask(playerId, tries - 1));
  }

  private arrive({ session, server }: Placement): void {
    const { id: sessionId, playerId, generation } = session;
    const seated = { serverId: server.id, sessionId, playerId, generation };
    this.after(this.random.between(100, 3000), () => {
      const node = this.hosts.get(server.id);
      const joined = node?.join(seated, this.nowMs);
      // Moved or given back before it came: it asks anew.
      if (!node || !joined) return this.ask(playerId, TRIES);
      this.most.on = Math.max(this.most.on, ++this.on);
      this.report(node, joined);
      this.after(-Math.log(1 - this.random.next()) * this.plan.playMs, () => this.leave(seated));
    });
  }

  private leave(seated: Seated): void {
    const node = this.hosts.get(seated.serverId);
    const left = node?.leave(seated, this.nowMs);
    this.on -= 1;
    this.played += 1;
    if (node && left) this.report(node, left);
    this.done();
  }

  private report({ nodeId }: LoadNode, event: AgentEvent): void {
    this.give({ type: "agent", nodeId, message: { type: "report", events: [event] } });
  }

  private done(): void {
    this.open -= 1;
  }

  private get nowMs(): number {
    return Math.floor(this.schedule.nowMs);
  }

  private after(ms: number, run: () => void): void {
    this.schedule.after(ms, undefined, run);
  }

  private tick(): void {
    this.give({ type: "tick" });
    const { queued, servers, openRequests } = this.core.counts();
    const { most } = this;
    most.waiting = Math.max(most.waiting, queued);
    most.servers = Math.max(most.servers, servers);
    most.openRequests = Math.max(most.openRequests, openRequests);
    this.after(1000, () => this.tick());
  }

  private command(command: Extract<Input, { type: "command" }>["command"], answer: Answer): void {
    const requestId = ++this.requests;
    this.answers.set(requestId, answer);
    this.give({ type: "command", requestId, command });
  }

  private give(input: Untimed<Input>): void {
    this.inputs += 1;
    for (const decision of this.core.handle({ ...input, nowMs: this.nowMs })) this.carryOut(decision);
  }

  private carryOut(decision: Decision): void {
    switch (decision.type) {
      case "reply": {
        const answer = this.answers.get(decision.requestId);
        this.answers.delete(decision.requestId);
        return this.after(WAY_MS, () => answer?.(decision.result));
      }
      case "send":
        return this.after(WAY_MS, () => this.send(decision));
      case "start":
        return this.after(BOOT_MS, () => {
          const { launch } = decision;
          const wanted = this.nodes.filter(({ nodeId }) => !launch.avoidNodes.includes(nodeId));
          const nodes = wanted.length > 0 ? wanted : this.nodes;
          const node = nodes[this.placed++ % nodes.length] as LoadNode;
          this.hosts.set(launch.serverId, node);
          this.launches.set(launch.serverId, launch);
          this.give({ type: "engine", event: { type: "running", server: placedOn(node.nodeId, launch) } });
        });
      case "stop":
        return this.after(WAY_MS, () => this.stopped(decision.serverId));
      case "forget":
        this.hosts.delete(decision.serverId);
        return;
      case "wake":
        return this.after(decision.atMs - this.schedule.nowMs, () => this.give({ type: "tick" }));
      default:
        return;
    }
  }

  private stopped(serverId: string): void {
    const node = this.hosts.get(serverId);
    if (!node) return;
    const launch = this.launches.get(serverId);
    this.launches.delete(serverId);
    if (!launch) return;
    const exit = {
      task: "server",
      exitCode: 0,
      signal: undefined,
      outOfMemory: false,
      requested: true,
      atMs: this.nowMs,
    };
    const server = { ...placedOn(node.nodeId, launch), state: "exited" as const, exit };
    this.give({ type: "engine", event: { type: "exited", server, exit } });
  }

  private send(decision: Extract<Decision, { type: "send" }>): void {
    const { nodeId, body } = decision;
    const node = this.nodes.find((each) => each.nodeId === nodeId);
    if (!node) return;
    this.give({ type: "agent", nodeId, message: node.answer(decision, EPOCH, this.nowMs) });
    if (body.kind !== "expect") return;
    const { serverId, allocationId } = body.server;
    this.report(node, { serverId, allocationId, atMs: this.nowMs, kind: "ready" });
  }
}
