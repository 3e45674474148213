import { placedServer } from "../controller/core/testing/placed-server";
import type { EngineEvent, EngineServer, ServerExit, ServerLaunch } from "../controller/engine";
import type { Network } from "./network";

/** What Nomad asks of a node's client. */
export interface NomadClient {
  readonly nodeId: string;
  readonly host: string;
  /** Takes the order on and runs it; says so through `Nomad.running`. */
  run(server: EngineServer, launch: ServerLaunch): void;
  stop(serverId: string, graceSecs: number): void;
}

interface Allocation {
  server: EngineServer;
  readonly launch: ServerLaunch;
  /** A stop was asked for. */
  stopping: number | undefined;
}

interface Node {
  readonly client: NomadClient;
  /** Servers that it has room for. */
  capacity: number;
  heardMs: number;
  down: boolean;
  /** While it is being drained. */
  drain: object | undefined;
}

/** A node that is not heard of for so long is out of reach, in milliseconds. */
const DOWN_AFTER_MS = 10_000;
const DRAIN_GRACE_SECS = 5;
const PORTS_FROM = 20_000;
const PORTS_EACH = 4;
const LOOK_MS = 500;

/**
 * Nomad as far as the engine port shows it: takes orders once, places them where there is room, tells what happened, and of a
 * node that it has not heard of for 10 s that it is out of reach. What runs there is kept for when it is back, as our jobs ask
 * for; whatever else runs there then is stopped.
 */
export class VirtualNomad {
  /** Told of each event, by its own order. */
  onEvent: (event: EngineEvent) => void = () => undefined;
  private readonly allocations = new Map<string, Allocation>();
  private readonly blocked = new Map<string, ServerLaunch>();
  private readonly nodes = new Map<string, Node>();
  private made = 0;

  constructor(
    readonly host: string,
    private readonly network: Network,
    /** Whether it keeps servers off the nodes that their launch is to avoid, as a real Nomad does not. */
    readonly avoidsNodes: boolean,
  ) {
    this.look();
  }

  addNode(client: NomadClient, capacity: number): void {
    this.nodes.set(client.nodeId, {
      client,
      capacity,
      heardMs: this.network.schedule.nowMs,
      down: false,
      drain: undefined,
    });
  }

  setCapacity(nodeId: string, capacity: number): void {
    const node = this.nodes.get(nodeId);
    if (!node) return;
    node.capacity = capacity;
    this.unblock();
  }

  /** As an operator drains a node: nothing new is placed there, and what is left at the deadline is stopped. The result ends it. */
  drain(nodeId: string, deadlineMs: number): () => void {
    const node = this.nodes.get(nodeId);
    if (!node) return () => undefined;
    const drain = (node.drain = {});
    this.network.schedule.after(deadlineMs, undefined, () => {
      if (node.drain !== drain) return;
      for (const { server } of [...this.allocations.values()])
        if (server.nodeId === nodeId) this.stop(server.serverId, DRAIN_GRACE_SECS);
    });
    return () => {
      if (node.drain !== drain) return;
      node.drain = undefined;
      this.unblock();
    };
  }

  isDraining(nodeId: string): boolean {
    return this.nodes.get(nodeId)?.drain !== undefined;
  }

  start(launch: ServerLaunch): void {
    if (this.allocations.has(launch.serverId)) return;
    const node = (this.avoidsNodes ? this.roomiest(launch.avoidNodes) : undefined) ?? this.roomiest();
    if (!node) {
      this.blocked.set(launch.serverId, launch);
      const reason = "no node has room";
      this.onEvent({ type: "blocked", serverId: launch.serverId, reason, code: "noCapacity", final: false });
      return;
    }
    this.blocked.delete(launch.serverId);
    const n = this.made++;
    const server = placedServer(launch, {
      allocationId: `alloc-${String(n)}`,
      nodeId: node.client.nodeId,
      address: "10.0.0.1",
      firstPort: PORTS_FROM + n * PORTS_EACH,
    });
    this.allocations.set(launch.serverId, { server, launch, stopping: undefined });
    this.onEvent({ type: "placed", server });
    this.tellNode(node.client, `run ${launch.serverId}`, () => node.client.run(server, launch));
  }

  stop(serverId: string, graceSecs: number): void {
    this.blocked.delete(serverId);
    const allocation = this.allocations.get(serverId);
    if (!allocation || allocation.server.state === "exited") return;
    allocation.stopping = graceSecs;
    const node = this.nodes.get(allocation.server.nodeId);
    if (node) this.tellNode(node.client, `stop ${serverId}`, () => node.client.stop(serverId, graceSecs));
  }

  forget(serverId: string): void {
    if (this.allocations.get(serverId)?.server.state === "exited") this.allocations.delete(serverId);
  }

  list(): readonly EngineServer[] {
    return [...this.allocations.values()].map(({ server }) => server);
  }

  /** Nodes that are out of reach now. */
  down(): readonly string[] {
    return [...this.nodes].flatMap(([nodeId, { down }]) => (down ? [nodeId] : []));
  }

  /** A node's client says that the first task's process runs. */
  running(serverId: string, allocationId: string, pids: Readonly<Record<string, number>>): void {
    const allocation = this.allocations.get(serverId);
    if (allocation?.server.allocationId !== allocationId || allocation.server.state === "exited") return;
    allocation.server = { ...allocation.server, state: "running", pids };
    this.onEvent({ type: "running", server: allocation.server });
  }

  /** A node's client says that a server has ended. */
  exited(serverId: string, allocationId: string, exit: ServerExit): void {
    const allocation = this.allocations.get(serverId);
    if (allocation?.server.allocationId !== allocationId || allocation.server.state === "exited") return;
    const told = { ...exit, requested: exit.requested || allocation.stopping !== undefined };
    allocation.server = { ...allocation.server, state: "exited", exit: told };
    this.onEvent({ type: "exited", server: allocation.server, exit: told });
    this.unblock();
  }

  /** A node's client says that it is there, and what it runs. */
  heartbeat(nodeId: string, runs: readonly string[]): void {
    const node = this.nodes.get(nodeId);
    if (!node) return;
    node.heardMs = this.network.schedule.nowMs;
    if (node.down) {
      node.down = false;
      this.onEvent({ type: "nodeUp", nodeId });
    }
    for (const serverId of runs) {
      const allocation = this.allocations.get(serverId);
      const lost = !allocation || allocation.server.state === "exited" || allocation.server.nodeId !== nodeId;
      if (lost) this.tellNode(node.client, `stop ${serverId}`, () => node.client.stop(serverId, 0));
      else if (allocation.stopping !== undefined) {
        const grace = allocation.stopping;
        this.tellNode(node.client, `stop ${serverId}`, () => node.client.stop(serverId, grace));
      }
    }
    for (const { server, launch, stopping } of this.allocations.values()) {
      if (server.nodeId !== nodeId || server.state === "exited" || runs.includes(server.serverId)) continue;
      // The order did not arrive.
      if (server.state === "pending" && stopping === undefined)
        this.tellNode(node.client, `run ${server.serverId}`, () => node.client.run(server, launch));
      else if (server.state === "pending") this.exited(server.serverId, server.allocationId, this.lostExit());
    }
    this.unblock();
  }

  private look(): void {
    const { nowMs } = this.network.schedule;
    for (const [nodeId, node] of this.nodes) {
      if (node.down || nowMs - node.heardMs < DOWN_AFTER_MS) continue;
      node.down = true;
      this.onEvent(nodeDown(nodeId));
    }
    this.network.schedule.after(LOOK_MS, undefined, () => this.look());
  }

  private lostExit(): ServerExit {
    const atMs = Math.floor(this.network.schedule.nowMs);
    return { task: "server", exitCode: undefined, signal: undefined, outOfMemory: false, requested: false, atMs };
  }

  private unblock(): void {
    for (const launch of [...this.blocked.values()]) if (this.roomiest()) this.start(launch);
  }

  private roomiest(avoiding: readonly string[] = []): Node | undefined {
    let best: Node | undefined;
    let most = 0;
    for (const node of this.nodes.values()) {
      if (node.down || node.drain || avoiding.includes(node.client.nodeId)) continue;
      const used = [...this.allocations.values()].filter(
        ({ server }) => server.nodeId === node.client.nodeId && server.state !== "exited",
      ).length;
      if (node.capacity - used <= most) continue;
      most = node.capacity - used;
      best = node;
    }
    return best;
  }

  private tellNode(client: NomadClient, text: string, deliver: () => void): void {
    this.network.post({ from: this.host, to: client.host, phase: "engine", text, reader: undefined, deliver });
  }
}

/** A Nomad client that is not heard says nothing of the servers on its node. */
export function nodeDown(nodeId: string): EngineEvent {
  return { type: "nodeDown", nodeId, reason: "Nomad cannot reach it", unreachable: true };
}
