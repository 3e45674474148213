import type { Decision } from "../../controller/core/decision";
import type { Input } from "../../controller/core/input";
import type { ControllerHost } from "../controller-host";
import type { VirtualRegion } from "../region";
import type { World, WorldWatch } from "../world";
import { SAID_AGAIN } from "./stops";

/** Whoever has heard a node for so long knows that it is there. */
const HEARD_MS = 5000;

/**
 * P2: a seat survives the loss, and so the standstill, of any process but its own server and that one's gate: what runs and says so
 * is not given up, whoever could not hear it for a while, and whatever a leader thought of it when it led before.
 */
export class GivenUp implements WorldWatch {
  /** By leader: servers that it has given up. */
  private readonly givenUp = new Map<string, Set<string>>();

  constructor(private readonly world: World) {}

  onDecision(region: VirtualRegion, host: ControllerHost, _input: Input, decision: Decision): void {
    if (decision.type === "stop") this.onStopDecided(region, host, decision.serverId, decision.reason);
    else if (decision.type === "event" && decision.event.type === "failover" && decision.event.step === "detect")
      this.onGivenUp(region, host, decision.event.serverId, decision.event.reason);
  }

  private onGivenUp(region: VirtualRegion, host: ControllerHost, serverId: string, reason: string): void {
    this.of(host).add(serverId);
    if (isDown(reason)) this.mayNotBeHeard(region, host, serverId, reason);
    const found = region.findServer(serverId);
    if (reason.includes("no heartbeat") && found?.server.hasHung === false && !found.node.distrusted)
      this.broken("who beats is not given up", host, `${serverId} has never stood still: ${reason}`);
  }

  /** One that it gave up itself, when the node was not heard, it stops also where that is back. */
  private onStopDecided(region: VirtualRegion, host: ControllerHost, serverId: string, reason: string): void {
    if (this.of(host).has(serverId)) return;
    if (isDown(reason) || (reason === SAID_AGAIN && isOpen(region, serverId)))
      this.mayNotBeHeard(region, host, serverId, reason);
  }

  private mayNotBeHeard(region: VirtualRegion, host: ControllerHost, serverId: string, reason: string): void {
    const found = region.findServer(serverId);
    if (found && !found.node.distrusted && found.node.isHeard(host.process, HEARD_MS))
      this.broken("who is heard is not given up", host, `${serverId} runs on ${found.node.nodeId}: ${reason}`);
  }

  private of({ process, epoch }: ControllerHost): Set<string> {
    const leader = `${process?.name ?? ""} ${String(epoch)}`;
    const known = this.givenUp.get(leader) ?? new Set<string>();
    this.givenUp.set(leader, known);
    return known;
  }

  private broken(check: string, { host }: ControllerHost, evidence: string): void {
    this.world.broken("P2", check, `${host}: ${evidence}`);
  }
}

/** No leader has had it closed, as whatever is stopped in order is. */
function isOpen(region: VirtualRegion, serverId: string): boolean {
  const found = region.findServer(serverId);
  return found?.node.truth.find(serverId, found.server.server.allocationId)?.closed === false;
}

function isDown(reason: string): boolean {
  return /node \S+ is down/.test(reason);
}
