import type { HealthPolicy } from "../../config/config";
import type { ServerStats } from "../../protocol/messages";
import { onUnhealthy } from "./agent-events";
import type { GameServer } from "./game-server";
import { takesPlayers } from "./lifecycle";
import type { CoreState } from "./state";

/**
 * What a server measures of itself, held to the limits of `[health]`: over one of them it is given no new seats; over it for
 * `limitSecs` it has failed, and its players are moved.
 *
 *     well -- over a limit --> strained -- below 90 % of each --> well
 *                                 └── for limitSecs --> failed
 *
 * The gap between the two lines keeps a server that hovers at a limit from coming and going with each report.
 */
export type VitalLimits = Pick<HealthPolicy, "maxErrorRate" | "maxMemory" | "limitSecs">;

/** A strained server is well again below this share of its limits. */
const WELL_SHARE = 0.9;
const MIB = 1_048_576;

/** Why a server is strained, and since when; null while it is well. */
export interface Strain {
  readonly sinceMs: number;
  readonly reason: string;
}

/**
 * What the newest report makes of it.
 * @param memoryMiB what the server asked for
 */
export function strainOf(
  before: Strain | null,
  { errorRate, memoryBytes }: Pick<ServerStats, "errorRate" | "memoryBytes">,
  { maxErrorRate, maxMemory }: VitalLimits,
  memoryMiB: number,
  nowMs: number,
): Strain | null {
  const share = before ? WELL_SHARE : 1;
  const reasons: string[] = [];
  if (maxErrorRate !== undefined && (errorRate ?? 0) > maxErrorRate * share)
    reasons.push(`${(errorRate ?? 0).toFixed(1)} errors a second, at most ${String(maxErrorRate)}`);
  const used = memoryBytes / (memoryMiB * MIB);
  if (maxMemory !== undefined && used > maxMemory * share)
    reasons.push(`${percent(used)} of its memory, at most ${percent(maxMemory)}`);
  if (reasons.length === 0) return null;
  return { sinceMs: before?.sinceMs ?? nowMs, reason: reasons.join("; ") };
}

/** Takes a server's report. */
export function takeStats(s: CoreState, server: GameServer, stats: ServerStats): void {
  server.stats = stats;
  const { config } = s.fleet(server.experienceId);
  const { health } = s.settings;
  const strain = strainOf(server.strain, stats, health, config?.memory ?? 1, s.nowMs);
  if (strain && !server.strain && takesPlayers(server.state))
    s.out.server("server.strained", server, `no new seats: ${strain.reason}`);
  server.strain = strain;
  s.reindex(server);
  if (!strain || s.nowMs < strain.sinceMs + health.limitSecs * 1000 || !takesPlayers(server.state)) return;
  onUnhealthy(s, server, `${strain.reason}, for ${String(health.limitSecs)} s`);
}

function percent(share: number): string {
  return `${String(Math.round(share * 100))} %`;
}
