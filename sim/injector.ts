import { PLAYERS } from "./client";
import type { ControllerHost } from "./controller-host";
import type { PlannedFault } from "./fault";
import { FaultTable } from "./fault-table";
import { liar } from "./lies";
import type { Network } from "./network";
import type { VirtualNode } from "./node";
import type { Phase } from "./phase";
import type { Process } from "./process";
import type { VirtualRegion } from "./region";
import type { World } from "./world";

/** So many steps a fault waits for a message of its phase. */
const PATIENCE_STEPS = 150;

/** Lets faults strike at their moments, and ends them. */
export class Injector {
  readonly table = new FaultTable();
  readonly struck: PlannedFault[] = [];
  private readonly waiting: PlannedFault[];
  private readonly active = new Set<() => void>();

  constructor(
    private readonly world: World,
    faults: readonly PlannedFault[],
    private readonly patienceSteps = PATIENCE_STEPS,
  ) {
    this.waiting = [...faults];
    world.network.onSent = (phase) => this.onSent(phase);
    world.watches.push({ check: () => this.onStep() });
  }

  /** Ends every fault and lets no more strike. */
  heal(): void {
    this.waiting.length = 0;
    for (const end of [...this.active]) end();
  }

  private onSent(phase: Phase): void {
    const { steps } = this.world;
    for (const fault of this.waiting) {
      if (fault.afterStep > steps) return;
      if (fault.phase === phase) return this.soon(fault);
    }
  }

  private onStep(): void {
    const [first] = this.waiting;
    if (first && this.world.steps > first.afterStep + this.patienceSteps) this.soon(first);
  }

  private soon(fault: PlannedFault): void {
    this.waiting.splice(this.waiting.indexOf(fault), 1);
    // Not within what is being done at this moment, but before the message arrives.
    this.world.schedule.after(0, undefined, () => this.strike(fault));
  }

  private strike(fault: PlannedFault): void {
    const { regions, network, schedule } = this.world;
    const region = regions[fault.target % regions.length];
    if (!region || region.lost) return;
    this.table.note(fault.kind, network.phasesUnderWay());
    this.struck.push(fault);
    const undo = this.begin(region, fault, Math.floor(fault.target / regions.length));
    let over = false;
    const end = (): void => {
      if (over) return;
      over = true;
      this.active.delete(end);
      undo();
    };
    this.active.add(end);
    schedule.after(fault.ms, undefined, end);
  }

  /** What it does at once; the result is what it does at its end. */
  private begin(region: VirtualRegion, { kind, ms, afterStep }: PlannedFault, target: number): () => void {
    const { network, random } = this.world;
    const node = region.nodes[target % region.nodes.length];
    const controller = region.controllers[target % region.controllers.length];
    if (!node || !controller) return nothing;
    const hosts = [node.host, controller.host, region.nomad.host, region.consul.host];
    const host = hosts[(target >> 4) % 3] ?? node.host;
    switch (kind) {
      case "crash":
        return crash(region, node, controller, target >> 4);
      case "restart":
        if ((target >> 4) % 2 === 0) {
          void controller.close();
          return () => controller.reboot();
        }
        void node.closeAgent();
        return () => node.startAgent();
      case "stall":
        stall(region, node, controller, target >> 4, ms);
        return nothing;
      case "partition":
      case "oneWay": {
        const [from, to] = pair(hosts, target >> 4);
        const mends = kind === "partition" ? [network.cut(from, to), network.cut(to, from)] : [network.cut(from, to)];
        return () => mends.forEach((mend) => mend());
      }
      case "delay":
        network.weather(host).delayMs += Math.min(ms / 4, 2500);
        return () => (network.weather(host).delayMs = 0);
      case "duplicate":
        network.weather(host).duplicate = network.weather(PLAYERS).duplicate = 0.4;
        return () => (network.weather(host).duplicate = network.weather(PLAYERS).duplicate = 0);
      case "reorder":
        network.weather(host).reorderMs = 400;
        return () => (network.weather(host).reorderMs = 0);
      case "skew": {
        const skewed = (target >> 4) % 2 === 0 ? node : controller;
        skewed.skewMs += ((target >> 5) % 2 === 0 ? 1 : -1) * Math.min(ms, 5000);
        return nothing;
      }
      case "slowNode":
        node.slowness = 20;
        network.weather(node.host).delayMs += 300;
        return () => {
          node.slowness = 1;
          network.weather(node.host).delayMs = 0;
        };
      case "fullNode":
        region.nomad.setCapacity(node.nodeId, 0);
        return () => region.nomad.setCapacity(node.nodeId, region.capacity);
      case "diskFull":
        node.disk.full = true;
        return () => (node.disk.full = false);
      case "tornJournal":
        node.disk.tearNext = node.agentProcess;
        return () => {
          node.disk.tearNext = undefined;
          node.startAgent();
        };
      case "lie":
        node.distrusted = true;
        node.lie = liar(random.fork(`lie-${String(afterStep)}`));
        return () => {
          node.lie = undefined;
          // Whoever finds out replaces it, and the next one tells how things are.
          node.agentProcess?.end();
          node.startAgent();
        };
      case "nodeLost":
        node.losePower();
        return () => node.boot();
      case "nodeAway": {
        const away = [region.nomad.host, ...region.controllers.map((each) => each.host)];
        const mends = away.flatMap((other) => [network.cut(node.host, other), network.cut(other, node.host)]);
        return () => mends.forEach((mend) => mend());
      }
      case "unseen": {
        // Nomad loses it; of the controllers none, standbys, the leader or all do not hear it, and these may have lost Consul as well.
        const whose = (target >> 4) % 4;
        const deaf = region.controllers.filter((each) => whose === 3 || (whose > 0 && each.leads === (whose === 2)));
        const mends = [region.nomad, ...deaf].flatMap(({ host: other }) => apart(network, node.host, other));
        if ((target >> 7) % 2 === 1)
          for (const each of deaf) mends.push(...apart(network, each.host, region.consul.host));
        return () => mends.forEach((mend) => mend());
      }
      case "standstill":
        for (const process of standing(node, controller, target >> 4)) process?.stall(ms);
        return nothing;
      case "missedEvents": {
        const mend = network.cut(region.nomad.host, controller.host);
        controller.missEngineEvents();
        return mend;
      }
      case "lockLost":
        region.consul.invalidate();
        return nothing;
    }
  }
}

function crash(region: VirtualRegion, node: VirtualNode, controller: ControllerHost, target: number): () => void {
  switch (target % 4) {
    case 0:
      controller.kill();
      return () => controller.boot();
    case 1:
      node.agentProcess?.end();
      return () => node.startAgent();
    case 2:
      node.gate?.process.end();
      return () => node.startGate();
    default: {
      const servers = [...region.servers()];
      const victim = servers[(target >> 2) % Math.max(1, servers.length)];
      const signal = { exitCode: undefined, signal: "SIGKILL" };
      victim?.node.kill(victim.server.server.serverId, signal, false);
      return nothing;
    }
  }
}

function stall(region: VirtualRegion, node: VirtualNode, controller: ControllerHost, target: number, ms: number): void {
  const servers = [...region.servers()];
  const stalled = [
    controller.process,
    node.agentProcess,
    node.gate?.process,
    servers[(target >> 2) % Math.max(1, servers.length)]?.server.process,
  ];
  stalled[target % stalled.length]?.stall(ms);
}

/** What stands still together: an agent, a gate, a machine with all that runs on it, a controller. */
function standing(
  { agentProcess, gate, servers }: VirtualNode,
  controller: ControllerHost,
  target: number,
): readonly (Process | undefined)[] {
  switch (target % 4) {
    case 0:
      return [agentProcess];
    case 1:
      return [gate?.process];
    case 2:
      return [agentProcess, gate?.process, ...[...servers.values()].map(({ process }) => process)];
    default:
      return [controller.process];
  }
}

function apart(network: Network, one: string, other: string): (() => void)[] {
  return [network.cut(one, other), network.cut(other, one)];
}

function pair(hosts: readonly string[], target: number): readonly [string, string] {
  const from = target % hosts.length;
  const to = (from + 1 + ((target >> 2) % (hosts.length - 1))) % hosts.length;
  return [hosts[from] ?? "", hosts[to] ?? ""];
}

function nothing(): void {
  // Ends by itself.
}
