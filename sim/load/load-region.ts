import { Core, type CoreCounts } from "../../controller/core/core";
import type { CommandResult, Decision } from "../../controller/core/decision";
import type { Command, Input } from "../../controller/core/input";
import type { ServerLaunch } from "../../controller/engine";
import type { AgentEvent } from "../../protocol/messages";
import type { Agenda } from "./agenda";
import { LoadNode, placedOn, type Seated } from "./nodes";
import { loadSettings, type LoadSize } from "./settings";

export interface RegionPlan extends LoadSize {
  readonly nodes: number;
}

/** Plain `Omit` over the union would lose its cases. */
type Untimed<T> = T extends unknown ? Omit<T, "nowMs"> : never;
type Send = Extract<Decision, { type: "send" }>;

/** Added to the agenda's time, so that no time is near 0: milliseconds since 1970. */
const BEGAN_MS = 1_700_000_000_000;
const EPOCH = 1;
const BOOT_MS = 400;
const WAY_MS = 1;
const TICK_MS = 1000;

/** One region's real core and the real books of its servers' seats. Each way takes a millisecond, and nothing fails. */
export class LoadRegion {
  private readonly core: Core;
  private readonly nodes: readonly LoadNode[];
  private readonly byId: ReadonlyMap<string, LoadNode>;
  /** Where servers run. */
  private readonly hosts = new Map<string, LoadNode>();
  private readonly launches = new Map<string, ServerLaunch>();
  private placed = 0;
  /** Told to the core so far. */
  inputs = 0;
  /** The most at once. */
  readonly most = { waiting: 0, servers: 0, openRequests: 0 };

  /** @param onReply hears a command's answer, by the number that it was given with */
  constructor(
    plan: RegionPlan,
    private readonly agenda: Agenda,
    private readonly onReply: (requestId: number, result: CommandResult) => void,
  ) {
    let ids = 0;
    const settings = loadSettings(plan);
    this.core = new Core({ settings, controllerId: "load", ids: (kind) => `${kind}-${String(++ids)}` });
    this.nodes = Array.from({ length: plan.nodes }, (_, n) => new LoadNode(`n${String(n)}`));
    this.byId = new Map(this.nodes.map((node) => [node.nodeId, node]));
  }

  begin(): void {
    for (const node of this.nodes) {
      this.tell(node, node.hello());
      this.tell(node, { type: "snapshot", epoch: 0, servers: [], saved: [] });
    }
    this.give({ type: "leadership", leader: true, epoch: EPOCH });
    this.give({ type: "engineList", servers: [] });
    this.tick();
  }

  /** @param requestId one that no open command has */
  command(requestId: number, command: Command): void {
    this.give({ type: "command", requestId, command });
  }

  /** False where the seat is not there any more. */
  join(seated: Seated): boolean {
    const node = this.hosts.get(seated.serverId);
    const joined = node?.join(seated, this.nowMs);
    if (!node || !joined) return false;
    this.report(node, joined);
    return true;
  }

  leave(seated: Seated): void {
    const node = this.hosts.get(seated.serverId);
    const left = node?.leave(seated, this.nowMs);
    if (node && left) this.report(node, left);
  }

  counts(): CoreCounts {
    return this.core.counts();
  }

  /** Players who were let on a server beyond its seats. */
  get over(): number {
    return this.nodes.reduce((sum, { over }) => sum + over, 0);
  }

  /** As the core has it: milliseconds since 1970. */
  get nowMs(): number {
    return BEGAN_MS + this.agenda.nowMs;
  }

  private readonly tick = (): void => {
    this.give({ type: "tick" });
    const { queued, servers, openRequests } = this.core.counts();
    const { most } = this;
    most.waiting = Math.max(most.waiting, queued);
    most.servers = Math.max(most.servers, servers);
    most.openRequests = Math.max(most.openRequests, openRequests);
    this.agenda.after(TICK_MS, this.tick, 0, undefined);
  };

  private tell({ nodeId }: LoadNode, message: Extract<Input, { type: "agent" }>["message"]): void {
    this.give({ type: "agent", nodeId, message });
  }

  private report(node: LoadNode, event: AgentEvent): void {
    this.tell(node, { type: "report", events: [event] });
  }

  private give(input: Untimed<Input>): void {
    this.inputs++;
    for (const decision of this.core.handle({ ...input, nowMs: this.nowMs })) this.carryOut(decision);
  }

  private carryOut(decision: Decision): void {
    const { agenda } = this;
    switch (decision.type) {
      case "reply":
        return agenda.after(WAY_MS, this.onReply, decision.requestId, decision.result);
      case "send":
        return agenda.after(WAY_MS, this.sent, 0, decision);
      case "start":
        return agenda.after(BOOT_MS, this.started, 0, decision.launch);
      case "stop":
        return agenda.after(WAY_MS, this.stopped, 0, decision.serverId);
      case "forget":
        this.hosts.delete(decision.serverId);
        return;
      case "wake":
        return agenda.after(decision.atMs - this.nowMs, this.woken, 0, undefined);
      default:
        return;
    }
  }

  private readonly woken = (): void => this.give({ type: "tick" });

  private readonly sent = (_: number, decision: Send): void => {
    const { nodeId, body } = decision;
    const node = this.byId.get(nodeId);
    if (!node) return;
    this.tell(node, node.answer(decision, EPOCH, this.nowMs));
    if (body.kind !== "expect") return;
    const { serverId, allocationId } = body.server;
    this.report(node, { serverId, allocationId, atMs: this.nowMs, kind: "ready" });
  };

  private readonly started = (_: number, launch: ServerLaunch): void => {
    const wanted = this.nodes.filter(({ nodeId }) => !launch.avoidNodes.includes(nodeId));
    const nodes = wanted.length > 0 ? wanted : this.nodes;
    const node = nodes[this.placed++ % nodes.length] as LoadNode;
    this.hosts.set(launch.serverId, node);
    this.launches.set(launch.serverId, launch);
    this.give({ type: "engine", event: { type: "running", server: placedOn(node.nodeId, launch) } });
  };

  private readonly stopped = (_: number, serverId: string): void => {
    const node = this.hosts.get(serverId);
    const launch = this.launches.get(serverId);
    if (!node || !launch) return;
    this.launches.delete(serverId);
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
  };
}
