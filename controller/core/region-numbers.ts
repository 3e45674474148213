import type { Fleet } from "./fleet";
import { desiredServers } from "./fleet-bounds";
import { seatsHeld } from "./game-server";
import type { Region, ServerState } from "./resources";
import type { CoreState } from "./state";
import { nodeState } from "./views";

/** A region in numbers, for whoever watches it: sums alone, without an id of a server, player or node. */
export interface RegionNumbers {
  readonly experiences: readonly ExperienceNumbers[];
  readonly nodes: Readonly<Record<NodeState, number>>;
}

export interface ExperienceNumbers {
  readonly experienceId: string;
  /** Servers that players join. */
  readonly servers: Readonly<Record<LiveState, number>>;
  readonly desired: number;
  readonly most: number;
  /** Of servers that take players; `closed`: neither taken nor to be given now. */
  readonly seats: { readonly taken: number; readonly free: number; readonly closed: number };
  /** With a seat, on any server that has not ended. */
  readonly players: number;
  readonly waiting: { readonly players: number; readonly groups: number; readonly oldestMs: number };
}

type LiveState = Exclude<ServerState, "terminated">;
type NodeState = Region["nodes"][number]["state"];

/** @param nowMs with the clock of the inputs, for how long somebody waits */
export function regionNumbers(s: CoreState, nowMs: number): RegionNumbers {
  const nodes = { connected: 0, isolated: 0, suspect: 0, down: 0 };
  for (const node of s.nodes.values()) nodes[nodeState(node)]++;
  return { experiences: [...s.fleets.values()].map((fleet) => experienceNumbers(s, fleet, nowMs)), nodes };
}

function experienceNumbers(s: CoreState, fleet: Fleet, nowMs: number): ExperienceNumbers {
  const { index, line, policy } = fleet;
  const servers = { starting: 0, ready: 0, reserved: 0, allocated: 0, draining: 0, suspect: 0, unhealthy: 0 };
  let players = 0;
  for (const server of fleet.servers) {
    if (server.state !== "terminated") servers[server.state]++;
    players += seatsHeld(server);
  }
  return {
    experienceId: fleet.id,
    servers,
    desired: desiredServers(s, fleet),
    most: policy.maxServers,
    seats: { taken: index.held, free: index.free, closed: index.seats - index.held - index.free },
    players,
    waiting: { players: line.players, groups: line.size, oldestMs: Math.max(0, nowMs - line.oldestMs(nowMs)) },
  };
}
