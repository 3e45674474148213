import type { AgentNode } from "./agent-node";
import { crashOf, type Fleet } from "./fleet";
import type { GameServer } from "./game-server";
import type { Waiting } from "./decision";
import type { Group } from "./group";
import { isPrimary, kindKeyOf, seatsHeld } from "./game-server";
import type { PlayerSession } from "./player-session";
import { claimOf } from "./queue-claim";
import { queueTicketOf } from "./queue-ticket";
import type {
  Endpoint,
  Fleet as FleetView,
  Placement,
  QueueEntry,
  Region,
  RegionDrainView,
  RegionSummary,
  Server,
  ServerState,
  Session,
} from "./resources";
import { desiredServers } from "./fleet-bounds";
import type { CoreState } from "./state";
import { countLeft } from "./drain-decisions";
import { clientsOf, clientsOfServer } from "./version-wish";
import { currentVersions } from "./versions";
import { isWanted, untilWhen } from "./wanted";

const STATES: readonly ServerState[] = [
  "starting",
  "ready",
  "reserved",
  "allocated",
  "draining",
  "suspect",
  "unhealthy",
  "terminated",
];

/** What players are told: a literal from forge.toml, else the node's own address as the engine gave it. */
export function publicAddress(s: CoreState, server: GameServer): string | null {
  const asked = s.settings.publicAddress;
  return asked === "auto" || asked.startsWith("meta.") || server.address === null ? server.address : asked;
}

export function serverView(s: CoreState, server: GameServer): Server {
  return {
    id: server.id,
    allocationId: server.allocationId,
    experienceId: server.experienceId,
    version: server.version,
    clients: clientsOfServer(s.fleet(server.experienceId), server),
    mods: server.mods,
    role: server.role,
    region: s.settings.region,
    nodeId: server.nodeId,
    state: server.state,
    address: publicAddress(s, server),
    ports: server.ports,
    maxPlayers: server.maxPlayers,
    players: server.state === "terminated" ? 0 : seatsHeld(server),
    matchId: server.matchId,
    labels: { ...server.labels },
    annotations: { ...server.annotations },
    counters: server.counters,
    lists: server.lists,
    tracked: server.tracked,
    stats: server.stats && { cpu: server.stats.cpu, memoryBytes: server.stats.memoryBytes },
    createdAt: s.out.iso(server.createdAtMs),
    readyAt: server.readyAtMs === null ? null : s.out.iso(server.readyAtMs),
    endedAt: server.endedAtMs === null ? null : s.out.iso(server.endedAtMs),
    reason: isWanted(s, server)
      ? `${server.reason}; asked for, so scaling keeps it ${untilWhen(s, server)}`
      : server.reason,
  };
}

export function sessionView(s: CoreState, session: PlayerSession): Session {
  return {
    id: session.id,
    playerId: session.playerId,
    experienceId: session.experienceId,
    serverId: session.server?.id ?? session.lastServerId,
    region: s.settings.region,
    state: session.state,
    generation: session.generation,
    party: session.party,
    connectedAt: s.out.iso(session.connectedAtMs),
    lastActivity: s.out.iso(session.lastActivityMs),
    latencyMs: session.latencyMs,
    packetLoss: session.packetLoss,
    moves: session.moves,
    restoredAgeMs: session.restoredAgeMs,
    reason: session.reason,
  };
}

export function endpointView(s: CoreState, server: GameServer): Endpoint {
  return { id: server.id, address: publicAddress(s, server) ?? "", ports: server.ports };
}

/** A session with its seat; `others` are those of its party. */
export function placementView(
  s: CoreState,
  session: PlayerSession,
  server: GameServer,
  existing: boolean,
  others: readonly PlayerSession[],
): Placement {
  return {
    session: sessionView(s, session),
    server: endpointView(s, server),
    ticket: session.ticket ?? "",
    ...(existing ? { existing: true } : {}),
    ...(others.length > 0
      ? { party: others.map((other) => ({ session: sessionView(s, other), ticket: other.ticket ?? "" })) }
      : {}),
  };
}

export function queuedView(s: CoreState, fleet: Fleet, group: Group, session: PlayerSession): Waiting {
  const position = fleet.line.position(group);
  return {
    queueTicket: queueTicketOf(group, session),
    position,
    estimatedWaitMs: fleet.served.waitMs(position, s.nowMs),
    claim: claimOf(group),
    sessionId: session.id,
    deadlineAt: s.out.iso(group.deadlineMs),
    reason: group.reason,
  };
}

export function queueEntryView(s: CoreState, group: Group, session: PlayerSession, position: number): QueueEntry {
  return {
    queueTicket: queueTicketOf(group, session),
    position,
    estimatedWaitMs: s.fleet(group.experienceId).served.waitMs(position, s.nowMs),
    sessionId: session.id,
    deadlineAt: s.out.iso(group.deadlineMs),
    reason: group.reason,
    region: s.settings.region,
    playerId: session.playerId,
    experienceId: group.experienceId,
    party: session.party,
    since: s.out.iso(group.sinceMs),
  };
}

export function fleetView(s: CoreState, fleet: Fleet): FleetView {
  const servers = Object.fromEntries(STATES.map((state) => [state, 0])) as Record<ServerState, number>;
  for (const server of fleet.servers) servers[server.state]++;
  const { seats, held, free } = fleet.index;
  const { policy } = fleet;
  return {
    experienceId: fleet.id,
    region: s.settings.region,
    version: fleet.version,
    kind: fleet.config?.kind ?? "match",
    servers,
    desired: desiredServers(s, fleet),
    seats: { total: seats, held, free },
    queued: fleet.line.players,
    policy: {
      minServers: policy.minServers,
      maxServers: policy.maxServers,
      targetCpu: policy.targetCpu,
      targetPlayers: policy.targetPlayers,
      scaleUpThreshold: policy.scaleUpThreshold,
      scaleDownThreshold: policy.scaleDownThreshold,
      scaleUpCooldownSecs: policy.scaleUpCooldownSecs,
      scaleDownCooldownSecs: policy.scaleDownCooldownSecs,
      buffer:
        policy.buffer.kind === "servers"
          ? policy.buffer.servers
          : `${String(Number((policy.buffer.share * 100).toPrecision(12)))}%`,
      targetResponseMs: policy.targetResponseMs ?? null,
      defragment: policy.defragment,
      defragmentIntervalSecs: policy.defragmentIntervalSecs,
      chain: policy.chain as FleetView["policy"]["chain"],
    },
    rollout: rolloutView(s, fleet),
  };
}

function rolloutView(s: CoreState, { rollout, versions }: Fleet): FleetView["rollout"] {
  if (!rollout) return null;
  const { from, to, share, paused, failures, startedAtMs, reason } = rollout;
  return {
    fromVersion: from,
    toVersion: to,
    state: share < 1 ? "canary" : "rolling",
    paused,
    share,
    servers: Object.fromEntries(versions),
    failures,
    startedAt: s.out.iso(startedAtMs),
    reason,
  };
}

/** Mean CPU share over servers that have told theirs; undefined where none has. */
export function meanCpu(servers: Iterable<GameServer>): number | undefined {
  let sum = 0;
  let count = 0;
  for (const { stats, state } of servers) {
    if (!stats || state === "starting" || state === "terminated") continue;
    sum += stats.cpu;
    count++;
  }
  return count === 0 ? undefined : sum / count;
}

export function regionView(s: CoreState): Omit<Region, "url" | "ping" | "leader"> {
  const live = [...s.servers.values()].filter(({ state }) => state !== "terminated");
  const total = { total: 0, held: 0, free: 0 };
  let players = 0;
  let queued = 0;
  for (const { index, line } of s.fleets.values()) {
    total.total += index.seats;
    total.held += index.held;
    total.free += index.free;
    queued += line.players;
  }
  for (const server of live) players += seatsHeld(server);
  return {
    name: s.settings.region,
    state: regionState(s),
    location: s.settings.location ?? null,
    nodes: [...s.nodes.values()].map((node) => ({
      id: node.id,
      state: nodeState(node),
      address: node.facts?.address ?? "",
      servers: [...node.servers].filter(({ state }) => state !== "terminated").length,
    })),
    servers: live.filter(isPrimary).length,
    players,
    queued,
    seats: total,
    cpu: meanCpu(live) ?? 0,
    epoch: s.epoch,
    drain: drainView(s),
  };
}

export function nodeState({ down, connected, isolation }: AgentNode): Region["nodes"][number]["state"] {
  if (down) return "down";
  if (!connected) return "suspect";
  return isolation ? "isolated" : "connected";
}

function drainView(s: CoreState): RegionDrainView | null {
  if (!s.drain?.on) return null;
  const { moved, transfers, stuck } = s.moveOut;
  let moving = 0;
  for (const { sessions } of transfers.values()) moving += sessions.length;
  return {
    movesAt: s.out.iso(s.drain.movesAtMs),
    moved,
    moving,
    left: countLeft(s),
    stuck: Object.fromEntries(stuck),
  };
}

/** `down` where no agent is there to grant a seat. */
export function regionState(s: CoreState): "up" | "draining" | "down" {
  if (s.draining) return "draining";
  for (const node of s.nodes.values()) if (node.connected) return "up";
  return "down";
}

export function summaryView(s: CoreState): RegionSummary {
  const experiences: Record<string, RegionSummary["experiences"][string]> = {};
  for (const fleet of s.fleets.values()) {
    if (!fleet.config) continue;
    const canGrow = fleet.servers.size < fleet.policy.maxServers && crashOf(fleet, fleet.version).final === null;
    const cpu = fleet.index.cpu() ?? 0;
    const rows = new Map<string, RegionSummary["experiences"][string][number] & { free: number }>();
    const row = (version: string, of: { mods: readonly string[]; queued: number; canGrow: boolean }) => {
      const clients = clientsOf(fleet, version);
      return { version, free: 0, cpu, ...of, ...(clients !== null && { clients }) };
    };
    const { mods } = fleet.config;
    for (const version of currentVersions(fleet)) {
      const queued = version === fleet.version ? fleet.line.players : 0;
      rows.set(kindKeyOf(version, mods), row(version, { mods, queued, canGrow }));
    }
    for (const pool of fleet.index.pools()) {
      if (pool.size === 0) continue;
      const key = kindKeyOf(pool.version, pool.mods);
      const found = rows.get(key) ?? row(pool.version, { mods: pool.mods, queued: 0, canGrow: false });
      found.free += pool.free;
      rows.set(key, found);
    }
    experiences[fleet.id] = [...rows.values()];
  }
  return { region: s.settings.region, state: regionState(s), location: s.settings.location ?? null, experiences };
}
