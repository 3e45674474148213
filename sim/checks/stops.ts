import type { ControllerHost } from "../controller-host";
import type { Decision } from "../../controller/core/decision";
import type { AllocationRequest } from "../../controller/core/allocation";
import type { Input } from "../../controller/core/input";
import type { Server } from "../../controller/core/resources";
import type { VirtualServer } from "../game-server";
import type { VirtualNode } from "../node";
import type { VirtualRegion } from "../region";
import type { World, WorldWatch } from "../world";

/** Why a stop is decided that was decided before. */
export const SAID_AGAIN = "the engine has not said that it ended";

/** P3: a server with players is never stopped by scale-down, rollout or drain; only a closed one is ever stopped. */
export class Stops implements WorldWatch {
  private readonly forced = new Set<string>();
  /** Server and claim, of what somebody was told that it is theirs. */
  private readonly allocated = new Set<string>();
  /** The same, of what was asked for free. */
  private readonly taken = new Set<string>();
  /** By server: why its stop was decided. */
  private readonly reasons = new Map<string, string>();

  constructor(private readonly world: World) {}

  onForced(serverId: string): void {
    this.forced.add(serverId);
  }

  onAllocated({ id, matchId }: Server, { selectors }: AllocationRequest): void {
    const claim = `${id} ${matchId ?? ""}`;
    this.allocated.add(claim);
    // Whoever would share a taken one may hear of it before who took it.
    if (selectors.some(({ state }) => state !== "Ready")) return;
    if (this.taken.has(claim))
      this.world.broken("P1", "a server is allocated once", `${id} was given twice, for ${matchId ?? "no match"}`);
    this.taken.add(claim);
  }

  onDecision(_region: VirtualRegion, _host: ControllerHost, _input: Input, decision: Decision): void {
    if (decision.type !== "stop") return;
    const { serverId, reason } = decision;
    // Said again, it still stands for the same.
    if (reason !== SAID_AGAIN || !this.reasons.has(serverId)) this.reasons.set(serverId, reason);
  }

  onStop(region: VirtualRegion, node: VirtualNode, server: VirtualServer): void {
    const { serverId, allocationId } = server.server;
    const truth = node.truth.find(serverId, allocationId);
    // Nobody decided it but Nomad: the node was lost and came back.
    const reason = this.reasons.get(serverId);
    if (reason === undefined || !truth || node.distrusted || this.forced.has(serverId)) return;
    // A server that failed, or that was given up while nobody could reach it, is stopped as it is.
    if (truth.gone !== undefined || !truth.healthy || !truth.ready || givenUp(reason)) return;
    if (
      truth.seats.size === 0 &&
      this.allocated.has(`${serverId} ${truth.matchId ?? ""}`) &&
      !reason.includes("operator")
    )
      this.world.broken(
        "P3",
        "an allocated server is not stopped",
        `${serverId} was stopped while allocated: ${reason}`,
      );
    // Ready since a moment ago, and nobody has ever been given a seat on it.
    if (truth.highest.size === 0 && server.inside.size === 0) return;
    if (!truth.closed)
      return this.world.broken(
        "P3",
        "only a closed server is stopped",
        `${serverId} on ${node.nodeId} was stopped open: ${reason}`,
      );
    const current = [...server.inside].filter(([playerId, { sessionId, generation }]) => {
      const seat = truth.seats.get(sessionId);
      return (
        seat?.playerId === playerId && seat.generation === generation && !this.movedOn(region, sessionId, generation)
      );
    });
    if (current.length > 0)
      this.world.broken(
        "P3",
        "nobody's server is stopped",
        `${serverId} was stopped with ${current.map(([playerId]) => playerId).join(", ")} on it: ${reason}`,
      );
  }

  private movedOn(region: VirtualRegion, sessionId: string, generation: number): boolean {
    return region.nodes.some(({ truth }) =>
      [...truth.servers.values()].some(({ highest }) => (highest.get(sessionId) ?? 0) > generation),
    );
  }
}

const GIVEN_UP = [
  "out of reach",
  "is down",
  "does not have it",
  "does not know it",
  "ended",
  "unhealthy",
  "not ready",
  "process",
];

function givenUp(reason: string): boolean {
  return GIVEN_UP.some((text) => reason.includes(text));
}
