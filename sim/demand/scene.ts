import type { ExperienceConfig, ScalingPolicy } from "../../config/config";
import type { CoreSettings, Command } from "../../controller/core/input";
import { BAD_VERSION } from "../node";
import type { Wish } from "../player";
import type { Random } from "../random";

type PutFleet = Omit<Extract<Command, { type: "putFleet" }>, "type">;

/** What one player wants for as long as a scene lasts. */
export interface Want {
  readonly experienceId: string;
  readonly wish: Wish;
  /** Once there, for so long; then they go and come back. */
  readonly playMs: number;
  readonly awayMs: number;
}

/** What is asked of a region at rest, with which rules, and what changes in the middle of it. */
export interface Scene {
  readonly settings: CoreSettings;
  readonly wants: readonly Want[];
  readonly puts: readonly PutFleet[];
  /** forge.toml after that. */
  readonly later: CoreSettings;
  readonly laterPuts: readonly PutFleet[];
  /** The one who leads dies then. */
  readonly takeover: boolean;
}

const LIMIT_MS = 60;
const FOR_GOOD_MS = 1_000_000;

/** Everything is drawn: how many servers there may be, who comes first, which versions run, and who wants what. */
export function drawScene(base: CoreSettings, players: number, random: Random): Scene {
  // Where experiences compete for the region nobody stays for good: what one has too much can become empty.
  const pressed = random.chance(0.4);
  const most = pressed ? 4 + random.int(2) : 12;
  const experiences = Object.fromEntries(
    Object.values(base.experiences).map((experience) => [experience.id, drawRules(experience, random)]),
  );
  const settings = { ...base, experiences, scaling: { ...base.scaling, maxServersPerRegion: most } };
  const { arena } = experiences;
  const others = pressed ? 0.5 : 0.2;
  const stay = pressed ? 0 : (random.pick([0, 0.4, 1]) ?? 0);
  const wants = Array.from({ length: 3 + random.int(players - 2) }, () =>
    random.chance(others) ? drawOther(random) : drawArena(random, arena?.routing.maxLatencyMs !== undefined, stay),
  );
  const puts = drawRollout(random);
  const widened = arena && random.chance(0.3);
  return {
    settings,
    wants,
    puts,
    later: widened ? { ...settings, experiences: { ...experiences, arena: widen(arena) } } : settings,
    laterPuts: puts.length > 0 && random.chance(0.3) ? [drawStep(random)] : [],
    takeover: random.chance(0.5),
  };
}

function drawRules(experience: ExperienceConfig, random: Random): ExperienceConfig {
  const one = <T>(from: readonly [T, ...T[]]): T => random.pick(from) ?? from[0];
  const priority = one([10, 50, 50, 90]);
  const least: Partial<ScalingPolicy> = { minServers: random.int(2), maxServers: 1 + random.int(5) };
  const routing = { ...experience.routing, queueLimit: 50, queueDeadlineSecs: 90 };
  const rollout = { ...experience.rollout, promoteAfterSecs: one([undefined, 6]) };
  const common = { ...experience, priority, rollout };
  if (experience.id === "lobby") {
    // Its servers say only once they are up what they have, or never.
    const known = random.chance(0.5);
    const counters = { rooms: { count: 0, capacity: known ? 3 : 0 } };
    return { ...common, counters, lists: { guests: { capacity: known ? 4 : 0, values: [] } } };
  }
  if (experience.id !== "arena") return { ...common, routing, scaling: { ...experience.scaling, ...least } };
  return {
    ...common,
    routing: { ...routing, maxLatencyMs: one([undefined, LIMIT_MS]), relaxMsPerSec: one([0, 0, 5]) },
    scaling: {
      ...experience.scaling,
      ...least,
      targetPlayers: one([3, 5]),
      defragment: one(["off", "wait", "move", "move"]),
      scaleUpCooldownSecs: 1,
    },
  };
}

function widen(experience: ExperienceConfig): ExperienceConfig {
  return { ...experience, routing: { ...experience.routing, maxLatencyMs: 2 * LIMIT_MS } };
}

function drawOther(random: Random): Want {
  const playMs = random.between(1500, 6000);
  return { experienceId: random.chance(0.5) ? "raid" : "duel", wish: {}, playMs, awayMs: random.between(50, 1500) };
}

function drawArena(random: Random, limited: boolean, stay: number): Want {
  const version = random.chance(0.3) ? random.pick(["1", "2", "2", "7"]) : undefined;
  const latency = limited && random.chance(0.6) ? random.pick([40, 70, 100, 400]) : undefined;
  return {
    experienceId: "arena",
    wish: {
      ...(version !== undefined && { version }),
      ...(latency !== undefined && { latencies: { east: latency } }),
      ...(random.chance(0.3) && { deadlineMs: 0 }),
    },
    playMs: random.chance(stay) ? FOR_GOOD_MS : random.between(1500, 6000),
    awayMs: random.between(50, 1500),
  };
}

function drawRollout(random: Random): PutFleet[] {
  if (random.chance(0.25)) return [];
  const version = random.chance(0.15) ? `${BAD_VERSION}-2` : "2";
  const taken = { experienceId: "arena", version, ...(random.chance(0.6) && { canary: 0.4 }) };
  return random.chance(0.4) ? [taken, { experienceId: "arena", rollout: "pause" }] : [taken];
}

function drawStep(random: Random): PutFleet {
  const rollout = random.pick(["promote", "rollback", "pause", "resume"] as const) ?? "promote";
  return { experienceId: "arena", rollout };
}
