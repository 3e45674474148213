import type { HealthPolicy } from "../../config/config";
import type { ServerStats } from "../../protocol/messages";
import { onUnhealthy } from "./failover";
import type { GameServer } from "./game-server";
import { joinedShare, joinsBelieved } from "./joined-share";
import { noteTrouble } from "./node-trouble";
import { takesPlayers } from "./lifecycle";
import type { CoreState } from "./state";

/**
 * What is known of how a server does its work, held to the limits of `[health]`: over one of them it is given no new
 * seats; over it for `limitSecs` it has failed, and its players are moved.
 *
 *     well -- over a limit --> strained -- below 90 % of each, `healthyThreshold` times in a row --> well
 *                                 └── for limitSecs --> failed
 *
 * Where most of a fleet is strained, the cause is likelier a limit, or more players than there is room for, than each of them: then
 * one server in ten at most, and always one, is given up within a minute, and the others play on as they are.
 *
 * The gap between the two lines, and that one good look is not enough, keep a server that hovers at a limit from coming
 * and going with each report.
 */
export type VitalLimits = Pick<
  HealthPolicy,
  "maxErrorRate" | "maxMemory" | "maxCpu" | "maxThrottled" | "maxDisk" | "minJoined" | "healthyThreshold"
>;

/** The signs themselves; undefined or null where nothing is known, which is no strain. */
export interface Vitals extends Partial<Pick<ServerStats, "errorRate" | "cpu" | "throttled" | "disk">> {
  readonly memoryBytes: number;
  /** Share of its newest reservations that were joined. */
  readonly joined?: number | undefined;
  /** Why handshakes from other nodes fail. */
  readonly unreachable?: string | null;
}

/** Of a fleet that is strained as a whole so many are given up within so long, in milliseconds; and so soon the others are looked at again. */
const SHARE_OUT = 0.1;
const OUT_WITHIN_MS = 60_000;
const LOOK_AGAIN_MS = 5000;
/** A strained server is well again below this share of its limits. */
const WELL_SHARE = 0.9;
const MIB = 1_048_576;

/** Why a server is strained, since when, and how many looks in a row have found it well. */
export interface Strain {
  readonly sinceMs: number;
  readonly reason: string;
  readonly wellInARow: number;
}

/**
 * What the newest look makes of it.
 * @param memoryMiB what the server asked for
 */
export function strainOf(
  before: Strain | null,
  vitals: Vitals,
  limits: VitalLimits,
  memoryMiB: number,
  nowMs: number,
): Strain | null {
  const reasons = reasonsOf(vitals, limits, memoryMiB, before ? WELL_SHARE : 1);
  if (reasons.length > 0) return { sinceMs: before?.sinceMs ?? nowMs, reason: reasons.join("; "), wellInARow: 0 };
  if (!before || before.wellInARow + 1 >= limits.healthyThreshold) return null;
  return { ...before, wellInARow: before.wellInARow + 1 };
}

function reasonsOf(vitals: Vitals, limits: VitalLimits, memoryMiB: number, share: number): string[] {
  const { errorRate = 0, memoryBytes, cpu, throttled, disk, joined, unreachable } = vitals;
  const { maxErrorRate, minJoined } = limits;
  const reasons: string[] = [];
  const over = (value: number | undefined, limit: number | undefined, what: string): void => {
    if (value !== undefined && limit !== undefined && value > limit * share)
      reasons.push(`${percent(value)} of ${what}, at most ${percent(limit)}`);
  };
  if (maxErrorRate !== undefined && errorRate > maxErrorRate * share)
    reasons.push(`${errorRate.toFixed(1)} errors a second, at most ${String(maxErrorRate)}`);
  over(memoryBytes / (memoryMiB * MIB), limits.maxMemory, "its memory");
  over(cpu, limits.maxCpu, "the CPU that it asked for");
  over(throttled, limits.maxThrottled, "CPU periods held to its quota");
  over(disk?.used, limits.maxDisk, `the disk of ${disk?.folder ?? ""}`);
  if (joined !== undefined && minJoined !== undefined && joined < Math.min(1, minJoined / share))
    reasons.push(`${percent(joined)} of its newest reservations were joined, at least ${percent(minJoined)}`);
  if (unreachable) reasons.push(unreachable);
  return reasons;
}

/** Takes a server's report. */
export function takeStats(s: CoreState, server: GameServer, stats: ServerStats): void {
  server.stats = stats;
  judge(s, server);
}

/** Holds what is known of a server now to its limits; to be called when something of that has changed. */
export function judge(s: CoreState, server: GameServer): void {
  const { config } = s.fleet(server.experienceId);
  const { health } = s.settings;
  const joined = joinedShare(server.arrivals);
  const vitals: Vitals = {
    memoryBytes: 0,
    ...server.stats,
    joined: joined !== undefined && joinsBelieved(s, server) ? joined : undefined,
    unreachable: server.reach.unreachable,
  };
  const before = server.strain;
  const strain = strainOf(before, vitals, health, config?.memory ?? 1, s.nowMs);
  server.strain = strain;
  if (strain && !before && takesPlayers(server.state)) {
    s.out.server("server.strained", server, `no new seats: ${strain.reason}`);
    s.timers.at(strain.sinceMs + health.limitSecs * 1000, () => endure(s, server));
    noteTrouble(s, server);
  }
  s.reindex(server);
  endure(s, server);
}

/** Strained for long enough it has failed. Where nothing is decided it may be well again before anything is. */
function endure(s: CoreState, server: GameServer): void {
  if (!s.deciding) return;
  const { strain } = server;
  const { limitSecs } = s.settings.health;
  // One that was just found well may be well: the next looks tell.
  if (!strain || strain.wellInARow > 0 || s.nowMs < strain.sinceMs + limitSecs * 1000) return;
  if (!takesPlayers(server.state)) return;
  if (!mayGoOut(s, server)) return lookAgain(s, server);
  onUnhealthy(s, server, `${strain.reason}, for ${String(Math.round((s.nowMs - strain.sinceMs) / 1000))} s`);
}

/** One timer a server, however often it is judged meanwhile. */
function lookAgain(s: CoreState, server: GameServer): void {
  if (s.nowMs < server.strainLookMs) return;
  server.strainLookMs = s.nowMs + LOOK_AGAIN_MS;
  s.timers.at(server.strainLookMs, () => endure(s, server));
}

/** Whether it is given up for being strained; then that is noted. */
function mayGoOut(s: CoreState, server: GameServer): boolean {
  const fleet = s.fleet(server.experienceId);
  let others = 0;
  let strained = 0;
  for (const other of fleet.servers) {
    if (other === server || !takesPlayers(other.state)) continue;
    others++;
    if (other.strain) strained++;
  }
  const lately = fleet.strainedOut.filter((atMs) => atMs > s.nowMs - OUT_WITHIN_MS);
  if (2 * strained > others && lately.length >= Math.max(1, Math.floor(SHARE_OUT * (others + 1)))) return false;
  fleet.strainedOut = [...lately, s.nowMs];
  return true;
}

function percent(share: number): string {
  return `${String(Math.round(share * 100))} %`;
}
