import type { ExperienceConfig, ScalingPolicy } from "../../../config/config";
import type { CoreSettings } from "../input";

/** TEST DOUBLE of what forge.toml would give, with everything written out. */
export function testScaling(over: Partial<ScalingPolicy> = {}): ScalingPolicy {
  return {
    minServers: 1,
    maxServers: 10,
    targetCpu: 0.7,
    targetPlayers: 100,
    scaleUpThreshold: 0.7,
    scaleDownThreshold: 0.35,
    scaleUpCooldownSecs: 30,
    scaleDownCooldownSecs: 60,
    buffer: { kind: "servers", servers: 0 },
    targetResponseMs: undefined,
    chain: [],
    defragment: "off",
    defragmentIntervalSecs: 60,
    ...over,
  };
}

type Over = Partial<Omit<ExperienceConfig, "scaling" | "routing">> & {
  readonly scaling?: Partial<ScalingPolicy>;
  readonly routing?: Partial<ExperienceConfig["routing"]>;
};

export function testExperience(id: string, over: Over = {}): ExperienceConfig {
  const { scaling, routing, ...rest } = over;
  return {
    id,
    kind: "match",
    image: undefined,
    command: "game-server",
    args: [],
    env: {},
    driver: "raw_exec",
    version: "1",
    clients: undefined,
    mods: [],
    maxPlayers: 4,
    priority: 50,
    sdk: "forge",
    seats: "reported",
    cpu: 500,
    cores: undefined,
    memory: 256,
    ports: { game: { protocol: "ws", static: undefined, tls: undefined } },
    health: { kind: "sdk" },
    log: undefined,
    readyTimeoutSecs: 20,
    scaling: testScaling(scaling),
    routing: {
      strategy: "pack",
      maxLatencyMs: undefined,
      relaxMsPerSec: 0,
      relaxToMs: undefined,
      queueDeadlineSecs: 30,
      queueLimit: 100,
      ...routing,
    },
    rollout: {
      canaryShare: 1,
      promoteAfterSecs: undefined,
      maxFailures: 3,
      onFailure: "rollback",
      maxSurge: { kind: "share", share: 0.25 },
    },
    stop: { command: undefined, signal: "SIGTERM", graceSecs: 5 },
    roles: [],
    volumes: {},
    regions: [],
    ...rest,
  };
}

/** A role of a fleet, one of it, with a port `api`. */
export function testRole(name: string): ExperienceConfig["roles"][number] {
  return {
    name,
    per: "fleet",
    count: 1,
    command: name,
    image: undefined,
    driver: "raw_exec",
    args: [],
    env: {},
    cpu: 100,
    memory: 64,
    ports: { api: { protocol: "tcp", static: undefined, tls: undefined } },
  };
}

export function testSettings(experiences: readonly ExperienceConfig[], over: Partial<CoreSettings> = {}): CoreSettings {
  return {
    region: "here",
    location: undefined,
    regionLocations: {},
    scaling: {
      minServersPerRegion: 0,
      maxServersPerRegion: 100,
      targetCpuUtilization: 0.7,
      targetPlayersPerServer: 100,
      scaleUpCooldownSecs: 30,
      scaleDownCooldownSecs: 60,
    },
    health: {
      checkIntervalSecs: 5,
      timeoutSecs: 2,
      unhealthyThreshold: 3,
      healthyThreshold: 2,
      maxErrorRate: undefined,
      maxMemory: undefined,
      maxCpu: undefined,
      maxThrottled: undefined,
      maxDisk: undefined,
      minJoined: undefined,
      limitSecs: 30,
      reachIntervalSecs: 0,
      isolateServers: 3,
      isolateSecs: 300,
      maxIsolated: 0.25,
    },
    experiences: Object.fromEntries(experiences.map((experience) => [experience.id, experience])),
    leaseSecs: 30,
    suspectAfterSecs: 3,
    scalingIntervalSecs: 10,
    publicAddress: "auto",
    ...over,
  };
}
