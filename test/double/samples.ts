import { serverSample, sessionSample } from "../../controller/api/backend-double";
import type { Fleet, ForgeEvent, Region, Server, Session } from "../../controller/core/resources";

/** Resources as a controller answers them, for tests of what shows them. Times are around `NOW`. */
export const NOW = Date.parse("2026-03-01T12:00:00.000Z");

export function isoBefore(secs: number): string {
  return new Date(NOW - secs * 1000).toISOString();
}

export function sampleServer(over: Partial<Server> = {}): Server {
  return serverSample({
    id: "srv-us-east-4f1c8a02",
    allocationId: "alloc-7d31",
    region: "us-east",
    nodeId: "us-east-node-1",
    ports: { game: 20104, sdk: 20105 },
    maxPlayers: 24,
    players: 18,
    stats: { cpu: 0.42, memoryBytes: 71 * 1024 * 1024 },
    createdAt: isoBefore(754),
    readyAt: isoBefore(753),
    reason: "said that it is ready",
    ...over,
  });
}

export function sampleRegion(over: Partial<Region> = {}): Region {
  return {
    name: "us-east",
    state: "up",
    url: "http://127.0.0.1:7701",
    ping: null,
    location: [38.9, -77.4],
    nodes: [{ id: "us-east-node-1", state: "connected", address: "127.0.0.1", servers: 5 }],
    servers: 5,
    players: 92,
    queued: 0,
    seats: { total: 120, held: 92, free: 28 },
    cpu: 0.41,
    leader: "us-east-controller-1",
    epoch: 3,
    drain: null,
    ...over,
  };
}

export function sampleFleet(over: Partial<Fleet> = {}): Fleet {
  return {
    experienceId: "arena",
    region: "us-east",
    version: "1.0.0",
    kind: "match",
    servers: { starting: 1, ready: 4, reserved: 0, allocated: 0, draining: 0, suspect: 0, unhealthy: 0, terminated: 2 },
    desired: 5,
    seats: { total: 120, held: 92, free: 28 },
    queued: 0,
    policy: {
      minServers: 1,
      maxServers: 12,
      targetCpu: 0.7,
      targetPlayers: 20,
      scaleUpThreshold: 0.7,
      scaleDownThreshold: 0.35,
      scaleUpCooldownSecs: 2,
      scaleDownCooldownSecs: 6,
      buffer: 0,
      targetResponseMs: null,
      defragment: "off",
      defragmentIntervalSecs: 60,
      chain: [],
    },
    rollout: null,
    ...over,
  };
}

export function sampleSession(over: Partial<Session> = {}): Session {
  return sessionSample({
    id: "ses-us-east-91ab",
    playerId: "bot-17",
    serverId: "srv-us-east-4f1c8a02",
    region: "us-east",
    state: "active",
    connectedAt: isoBefore(120),
    lastActivity: isoBefore(1),
    latencyMs: 31,
    packetLoss: 0.01,
    reason: "joined",
    ...over,
  });
}

export function serverEvent(
  type: Extract<ForgeEvent, { serverId: string; detail?: unknown }>["type"] & `server.${string}`,
  over: { readonly serverId?: string; readonly at?: string; readonly reason?: string } = {},
): ForgeEvent {
  const { serverId = "srv-us-east-4f1c8a02", at = isoBefore(0), reason = "" } = over;
  return { type, serverId, experienceId: "arena", region: "us-east", at, reason };
}

export function scalingEvent(over: Partial<Extract<ForgeEvent, { type: "scaling" }>> = {}): ForgeEvent {
  return {
    type: "scaling",
    experienceId: "arena",
    action: "up",
    from: 4,
    to: 5,
    region: "us-east",
    at: isoBefore(9),
    reason: "players a server 23.0 above 20",
    ...over,
  };
}

export function failoverEvent(
  step: Extract<ForgeEvent, { type: "failover" }>["step"],
  over: Partial<Extract<ForgeEvent, { type: "failover" }>> = {},
): ForgeEvent {
  return {
    type: "failover",
    step,
    serverId: "srv-us-east-0badc0de",
    experienceId: "arena",
    region: "us-east",
    at: isoBefore(20),
    reason: `${step} of a server that exited with SIGKILL`,
    ...over,
  };
}
