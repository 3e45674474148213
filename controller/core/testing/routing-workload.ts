import { newFleet, type Fleet } from "../fleet";
import { newServer, seatsHeld, type GameServer } from "../game-server";
import { newGroup, type Group } from "../group";
import { newSession, type PlayerSession } from "../player-session";
import { choose, placeInIndex, weigh } from "../routing";
import { testExperience } from "./settings-double";

/** What comes and goes on one fleet. All servers are open and as far away, loaded and full as the numbers say. */
export interface RoutingWorkload {
  readonly name: string;
  readonly strategy: "pack" | "spread";
  readonly servers: number;
  /** Each server has one of these. */
  readonly sizes: readonly number[];
  /** Parties of one to so many. */
  readonly party: number;
  /** Share of all seats that are taken once arrivals and departures balance. */
  readonly occupancy: number;
  /** Parties that come, in all. */
  readonly arrivals: number;
}

export const ROUTING_WORKLOADS: readonly Omit<RoutingWorkload, "servers" | "arrivals">[] = [
  { name: "single players, packed", strategy: "pack", sizes: [16], party: 1, occupancy: 0.6 },
  { name: "parties on two sizes, packed", strategy: "pack", sizes: [8, 16], party: 5, occupancy: 0.4 },
  { name: "parties, spread", strategy: "spread", sizes: [64], party: 8, occupancy: 0.5 },
];

export interface RoutingQuality {
  /** Of a party's server when it was placed, ms. */
  readonly meanLatencyMs: number;
  /** Seats taken of those on servers that anybody is on: the mean over all arrivals. */
  readonly packing: number;
  /** The emptiest server's share of taken seats below the fullest's, the mean over all arrivals: what `spread` keeps small. */
  readonly unevenness: number;
  readonly refused: number;
}

export type Chooser = (fleet: Fleet, group: Group, memoryMiB: number) => GameServer | undefined;

/** The routing that is in use. */
export const routed: Chooser = (fleet, group, memoryMiB) => choose(fleet, group, memoryMiB)?.server;

/** Every server with room is weighed, however many there are; of equal ones the first. */
export const exhaustive: Chooser = (fleet, group, memoryMiB) => {
  const strategy = fleet.config?.routing.strategy ?? "pack";
  let best: GameServer | undefined;
  let most = -Infinity;
  for (const server of fleet.servers) {
    if (server.countedFree < group.sessions.length) continue;
    const score = weigh(server, strategy, memoryMiB, 0);
    if (score > most) [best, most] = [server, score];
  }
  return best;
};

const MEMORY_MIB = 256;

/** Numbers from 0 to 1, the same for the same seed. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A fleet in which parties come and go, for benchmarks and tests of how well and how fast they are placed. */
export class RoutedFleet {
  private readonly fleet: Fleet;
  private readonly all: GameServer[] = [];
  private readonly on: { readonly server: GameServer; readonly size: number }[] = [];
  private readonly players: PlayerSession[];
  private readonly random: () => number;
  private held = 0;
  private seats = 0;

  constructor(
    private readonly of: RoutingWorkload,
    seed: number,
  ) {
    this.random = randomOf(seed);
    const { strategy, servers, sizes, party } = of;
    this.fleet = newFleet("arena", testExperience("arena", { memory: MEMORY_MIB, routing: { strategy } }));
    this.players = Array.from({ length: party }, (_, i) => player(`p${String(i)}`));
    for (let i = 0; i < servers; i++) {
      const server = newServer({
        id: `s${String(i)}`,
        experienceId: "arena",
        version: this.fleet.version,
        mods: [],
        role: "server",
        maxPlayers: sizes[i % sizes.length] ?? 16,
        sdkToken: "",
        createdAtMs: 0,
        reason: "",
      });
      server.state = "ready";
      server.latencyMs = 10 + 180 * this.random();
      this.seats += server.maxPlayers;
      this.all.push(server);
      this.fleet.servers.add(server);
      this.measure(server);
    }
  }

  /** The next party to come. */
  private next(): Group {
    const size = 1 + Math.floor(this.random() * this.of.party);
    const sessions = this.players.slice(0, size);
    return newGroup({ kind: "join", experienceId: "arena", sessions, sinceMs: 0, deadlineMs: 0 });
  }

  /** Asks for one more party's server and leaves it at that. */
  choose(chooser: Chooser): GameServer | undefined {
    return chooser(this.fleet, this.next(), MEMORY_MIB);
  }

  private seat(server: GameServer, size: number): void {
    this.on.push({ server, size });
    server.inFlight += size;
    this.held += size;
    this.measure(server);
  }

  /** Parties leave, whichever, until no more than the workload's share of seats is taken. */
  private balance(): void {
    while (this.held > this.of.occupancy * this.seats) {
      const at = Math.floor(this.random() * this.on.length);
      const left = this.on[at];
      const last = this.on.pop();
      if (!left || !last) return;
      if (left !== last) this.on[at] = last;
      left.server.inFlight -= left.size;
      this.held -= left.size;
      this.measure(left.server);
    }
  }

  /** Runs the whole workload with `chooser`. */
  run(chooser: Chooser): RoutingQuality {
    let latency = 0;
    let packing = 0;
    let unevenness = 0;
    let refused = 0;
    for (let i = 0; i < this.of.arrivals; i++) {
      const group = this.next();
      const server = chooser(this.fleet, group, MEMORY_MIB);
      if (!server) {
        refused++;
        continue;
      }
      latency += server.latencyMs ?? 0;
      this.seat(server, group.sessions.length);
      this.balance();
      if (i % 16 === 0) {
        const { used, uneven } = this.spread();
        packing += used;
        unevenness += uneven;
      }
    }
    const looks = Math.ceil(this.of.arrivals / 16);
    const placed = this.of.arrivals - refused;
    return { meanLatencyMs: latency / placed, packing: packing / looks, unevenness: unevenness / looks, refused };
  }

  private spread(): { readonly used: number; readonly uneven: number } {
    let seats = 0;
    let fullest = 0;
    let emptiest = 1;
    for (const server of this.all) {
      const share = seatsHeld(server) / server.maxPlayers;
      fullest = Math.max(fullest, share);
      emptiest = Math.min(emptiest, share);
      if (share > 0) seats += server.maxPlayers;
    }
    return { used: this.held / seats, uneven: fullest - emptiest };
  }

  /** What a report brings: CPU and memory follow its players, and each server is a little different. */
  private measure(server: GameServer): void {
    const share = seatsHeld(server) / server.maxPlayers;
    const cpu = 0.1 + 0.5 * share + 0.3 * this.random();
    const memoryBytes = (0.2 + 0.5 * share + 0.1 * this.random()) * MEMORY_MIB * 1_048_576;
    server.stats = { cpu, memoryBytes, players: 0, responseMs: undefined, errorRate: undefined, atMs: 0 };
    placeInIndex(this.fleet, server, true, "any");
  }
}

function player(id: string): PlayerSession {
  return newSession({
    id,
    playerId: id,
    experienceId: "arena",
    party: [],
    connectedAtMs: 0,
    version: undefined,
    mods: [],
    latencies: {},
    matchId: null,
  });
}
